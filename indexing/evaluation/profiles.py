"""What is run: which streams, how many seeds, which systems."""

from dataclasses import dataclass, replace
from pathlib import Path

from indexing.evaluation.sources import Composition, Source, Street

MINUTE, HOUR = 60, 3600
REAL_SOUNDS = (
    "The same streets; kinds of which there are real sounds are heard by those. No original "
    "recording is heard in both training and test."
)
COMPOSED = (
    "A fixed camera's video, looped and drifting in light, under a street's ambience and real "
    "sounds at known times. What happens is heard and never seen, so pictures alone find nothing; "
    "no original recording is heard in both training and test."
)
# The seeds of no stream that anything was tuned on (docs/experiments.md).
TRAIN_SEEDS = (4101, 4102)
SAME, SIMILAR, CHALLENGING, NIGHT = "same view", "similar view", "challenging view", "night"


@dataclass(frozen=True)
class Bench:
    """Streams that belong together: systems are trained on some and tested on the others."""

    name: str
    train: tuple[Source, ...]
    tests: dict[str, Source]  # by role
    about: str = ""  # what a reader of the report must know of it


@dataclass(frozen=True)
class Profile:
    """One size of the benchmark."""

    name: str
    benches: tuple[Bench, ...]
    seeds: tuple[int, ...]
    slow: bool  # whether slow systems are run too
    ablations: bool

    def without_ablations(self) -> "Profile":
        """The same with the systems alone."""
        return replace(self, ablations=False)


def small() -> Profile:
    """A few minutes: one short stream to train on, two to test on, one seed."""
    bench = Bench(
        "Crossroads",
        (Street("A, 15 min", TRAIN_SEEDS[0], 15 * MINUTE),),
        {
            SAME: Street("A, another day", 4201, 20 * MINUTE),
            CHALLENGING: Street("C", 4203, 15 * MINUTE, view="C"),
        },
    )
    return Profile("small", (bench,), (1,), slow=False, ablations=False)


def full() -> Profile:
    """Hours: two streams and three seeds to train on, four views and lights to test on."""
    bench = Bench(
        "Crossroads",
        tuple(Street(f"A, day {n}", seed, 40 * MINUTE) for n, seed in enumerate(TRAIN_SEEDS, 1)),
        {
            SAME: Street("A, another day", 4201, 40 * MINUTE),
            CHALLENGING: Street("C", 4203, 30 * MINUTE, view="C"),
            SIMILAR: Street("B", 4202, 15 * MINUTE, view="B"),
            NIGHT: Street("A, night", 4204, 15 * MINUTE, light="night"),
        },
    )
    return Profile("full", (bench,), (1, 2, 3), slow=True, ablations=True)


PROFILES = {"small": small, "full": full}


def with_sounds(profile: Profile, folder: Path) -> Profile:
    """The profile and the same streams with real sounds, none in both training and test.

    Original recordings of each class are dealt out: one half to training, the other to the tests.
    Two tests are enough: real sounds change what is heard, which light and view do not.
    """
    first = profile.benches[0]

    def sounding(source: Source, half: int) -> Source:
        assert isinstance(source, Street)  # noqa: S101  (the first bench is Crossroads)
        return replace(source, name=f"{source.name}, real sounds", sounds=folder, half=half)

    bench = Bench(
        "Crossroads with real sounds",
        tuple(sounding(source, 0) for source in first.train[:1]),
        {role: sounding(first.tests[role], 1) for role in (SAME, CHALLENGING)},
        REAL_SOUNDS,
    )
    return replace(profile, benches=(*profile.benches, bench))


def with_composition(profile: Profile, media: Path) -> Profile:
    """The profile and a real video under real sounds at known times, training and test apart."""
    hours = profile.name == "full"
    train_s, test_s = (40 * MINUTE, HOUR) if hours else (15 * MINUTE, 20 * MINUTE)
    bench = Bench(
        "Real video, real sound, composed",
        (Composition("composed", 4301, train_s, media, 0),),
        {SAME: Composition("composed, other recordings", 4302, test_s, media, 1)},
        COMPOSED,
    )
    return replace(profile, benches=(*profile.benches, bench))
