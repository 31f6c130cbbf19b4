"""When which real sound is heard: irregular times, far enough apart to be different moments."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexing.media.sounds import dealt, original

KINDS = ("siren", "car_horn", "dog_bark", "drilling", "gun_shot", "children_playing")
# Farther apart within a kind than the exclusion window and the longest sound together.
APART_S = 66
# Sounds of different kinds keep this far from each other's beginnings, so that each is alone.
ALONE_S = 6
SOUND_S = 5
FEWEST, MOST = 6, 10
ORIGINALS = 2
LOWEST_SNR_DB, HIGHEST_SNR_DB = 0.0, 15.0


@dataclass(frozen=True)
class Planned:
    """One sound: its kind, its file, when it begins (s), and how far above the ambience (dB)."""

    kind: str
    path: Path
    start_s: float
    snr_db: float


def schedule(
    sounds: Path,
    seconds: int,
    seed: int,
    kinds: tuple[str, ...] = KINDS,
    originals: int = ORIGINALS,
    half: int | None = None,
) -> list[Planned]:
    """Plan 6-10 sounds of each kind, fewer where they do not fit, no file twice.

    The files of a kind are pieces of `originals` recordings: of as many sirens that come by again
    and again. `half` 0 or 1 draws them from half of the recordings, so that two compositions
    share none. Raises ValueError where the length is too short or there are too few
    files.
    """
    rng = np.random.default_rng(seed)
    planned: list[Planned] = []
    files = {kind: sorted((sounds / kind).glob("*.ogg")) for kind in kinds}
    if half is not None:
        halves = dealt(files)
        files = {k: [p for p in some if halves[original(p)] == half] for k, some in files.items()}
    for kind in kinds:
        count = min(int(rng.integers(FEWEST, MOST + 1)), (seconds - 2 * SOUND_S) // (APART_S + 10))
        if half is not None:
            count = min(count, len(files[kind]))
        if count < 2:
            raise ValueError(
                f"{seconds} s and the files of {kind} are too few for two sounds of it."
            )
        starts = _free_starts(rng, planned, seconds, count)
        chosen = _chosen(rng, kind, files[kind], count, originals)
        levels = rng.uniform(LOWEST_SNR_DB, HIGHEST_SNR_DB, count)
        planned += map(Planned, [kind] * count, chosen, starts, levels)
    return sorted(planned, key=lambda one: one.start_s)


def _free_starts(
    rng: np.random.Generator, planned: list[Planned], seconds: int, count: int
) -> list[float]:
    """Draw irregular beginnings, one after the other, that stay clear of what is there already."""
    others = np.array([one.start_s for one in planned])
    for _ in range(200):
        starts: list[float] = []
        for start in rng.uniform(2, seconds - 2 * SOUND_S, 50 * count).round(1):
            alone = not len(others) or np.abs(others - start).min() >= ALONE_S
            if alone and all(abs(start - other) >= APART_S for other in starts):
                starts.append(float(start))
            if len(starts) == count:
                return starts
    raise ValueError(f"{seconds} s are too short for so many sounds.")


def _chosen(
    rng: np.random.Generator, kind: str, files: list[Path], count: int, originals: int
) -> list[Path]:
    """Draw files in turn from so many original recordings, from more where they run out."""
    pieces: dict[str, list[Path]] = {}
    for path in files:
        pieces.setdefault(original(path), []).append(path)
    enough = -(-count // originals)
    names = [str(name) for name in rng.permutation(sorted(pieces))]
    names.sort(key=lambda name: -min(len(pieces[name]), enough))
    ranked = [
        (number // originals, turn, number, pieces[name][index])
        for number, name in enumerate(names)
        for turn, index in enumerate(rng.permutation(len(pieces[name])))
    ]
    if len(ranked) < count:
        raise ValueError(f"There are only {len(ranked)} sounds of {kind}; {count} are wanted.")
    return [path for *_, path in sorted(ranked)[:count]]
