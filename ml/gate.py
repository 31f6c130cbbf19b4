"""Whether a new encoder may take the place of the one in use, by `ml.held_back`. numpy only.

It has to be as good on every check, on what people labelled above all, and better on something. In
doubt the encoder in use stays: nobody misses what was never switched on.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.held_back import LEAST_CLIPS, Measures

# By how much a check may fall. The description of a sound holds part of its neighbouring seconds
# and E_a's embedding does not, so encoders that found more of what was planted still fell by .03.
NEIGHBOUR_TOLERANCE = 0.04
# Light and hour make pictures and sounds alike as well, and an encoder that looks past them agrees
# less without finding less.
AGREEMENT_TOLERANCE = 0.1
TRUTH_TOLERANCE = 0.02
DUPLICATE_TOLERANCE = 0.02
# A network that learnt nothing crosses from picture to sound by chance, .5. So does any network
# where what is heard is not what is seen; then neighbouring seconds have to have come nearer by
# `NEIGHBOUR_TOLERANCE` on average, which none that was ruined has done.
LEAST_CROSSING = 0.52
LEAST_RANK = 2.0
MOST_POSITIVE = 0.5


@dataclass(frozen=True)
class Check:
    """One measure of the encoder in use and of the new one; None where it cannot be taken."""

    name: str
    old: float | None
    new: float | None
    fine: bool


@dataclass(frozen=True)
class Verdict:
    """Whether to switch, why in a sentence, and the checks behind it."""

    activate: bool
    sentence: str
    checks: tuple[Check, ...] = ()
    crosses: bool = True  # False where pictures and sounds find each other by chance alone

    def to_json(self) -> dict[str, Any]:
        """Return the verdict for a file or a row."""
        return asdict(self)


def decide(old: Measures | None, new: Measures) -> Verdict:
    """Hold a new encoder against the one in use, or against chance where there is none.

    It is let in only where no check fell by more than its tolerance and something was gained: more
    of what was labelled is found or located, or else picture and sound agree more, or for the first
    time one is searched by the other. Labels that say the same of both leave it to the rest.
    """
    if new.clips < LEAST_CLIPS:
        return Verdict(
            False,
            f"Only {new.clips} seconds were held back to judge by, and at least {LEAST_CLIPS} are "
            "needed, so the encoder in use stays.",
        )
    checks = tuple(_checks(old, new))
    crosses = new.crossing is None or _crosses(new)
    if failed := [check for check in checks if not check.fine]:
        return Verdict(False, f"The encoder in use stays: {_reason(failed[0])}.", checks, crosses)
    if old is not None and (lack := _nothing_gained(old, new)):
        return Verdict(False, f"The encoder in use stays: {lack}.", checks, crosses)
    return Verdict(True, f"The new encoder is used: {_gain(old, new)}.", checks, crosses)


def _checks(old: Measures | None, new: Measures) -> Iterator[Check]:
    before = old or Measures(new.clips)
    for mode, rank in new.rank.items():
        yield Check(
            f"spread.{mode}", before.rank.get(mode), rank, _spread_is_fine(before, mode, rank)
        )
    if new.shared_rank is not None:
        fine = new.shared_rank >= LEAST_RANK
        yield Check("spread.shared", before.shared_rank, new.shared_rank, fine)
    if new.positive_rate is not None:
        fine = new.positive_rate <= MOST_POSITIVE
        yield Check("positive_rate", before.positive_rate, new.positive_rate, fine)
    if new.crossing is not None:
        least = max(LEAST_CROSSING, (before.crossing or 0) - NEIGHBOUR_TOLERANCE)
        fine = new.crossing >= least or (not _crosses(before) and _nearer(before, new))
        yield Check("crossing", before.crossing, new.crossing, fine)
    falls = (("neighbours", NEIGHBOUR_TOLERANCE), ("agreement", AGREEMENT_TOLERANCE))
    told = (("truth", TRUTH_TOLERANCE), ("location", TRUTH_TOLERANCE))
    for name, tolerance in (*falls, *told):
        olds, news = getattr(before, name), getattr(new, name)
        for mode, value in news.items():
            was = olds.get(mode)
            yield Check(f"{name}.{mode}", was, value, was is None or value >= was - tolerance)
    for mode, share in new.duplicates.items():
        was = before.duplicates.get(mode)
        fine = was is None or share <= was + DUPLICATE_TOLERANCE
        yield Check(f"duplicates.{mode}", was, share, fine)


def _crosses(measures: Measures) -> bool:
    """Tell whether pictures and sounds find each other more often than by chance."""
    return measures.crossing is not None and measures.crossing >= LEAST_CROSSING


def _nearer(old: Measures, new: Measures) -> bool:
    """Tell whether neighbouring seconds came clearly nearer, whatever is heard of what is seen."""
    gains = [
        value - old.neighbours[mode] for mode, value in new.neighbours.items() if old.neighbours
    ]
    return bool(gains) and float(np.mean(gains)) >= NEIGHBOUR_TOLERANCE


def _spread_is_fine(before: Measures, mode: str, rank: float) -> bool:
    """A picture that never changes has no spread with any encoder."""
    return rank >= min(LEAST_RANK, before.rank.get(mode, LEAST_RANK))


MODALITIES = {"video": "picture", "audio": "sound", "joint": "picture and sound"}


def _reason(check: Check) -> str:
    name, _, mode = check.name.partition(".")
    by = MODALITIES.get(mode, mode)
    change = f"{_number(check.old)} before, {_number(check.new)} now"
    return {
        "spread": f"to the new one all moments look alike (effective rank {_number(check.new)})",
        "positive_rate": f"the new one took {_number(check.new)} of all pairs for the same event",
        "crossing": f"the new one hardly finds a second's sound by its picture ({change})",
        "neighbours": f"the new one finds the seconds around a moment less well by {by} ({change})",
        "agreement": f"what the new one finds by {by} is less alike otherwise ({change})",
        "truth": f"the new one finds less of what was labelled by {by} ({change})",
        "location": f"the new one locates what was labelled less well ({change})",
        "duplicates": f"the new one cannot tell some moments apart by {by} ({change})",
    }[name]


def _nothing_gained(old: Measures, new: Measures) -> str:
    """Return what is missing for a switch; nothing where something was gained."""
    if _told(old, new) or (old.crossing is None and new.crossing is not None):
        return ""
    was, now = _balance(old), _balance(new)
    if now > was:
        return ""
    if new.truth and old.truth:
        was, now = _mean(old.truth), _mean(new.truth)
        return f"the new one finds no more of what was labelled ({was:.2f} before, {now:.2f} now)"
    return f"the new one is no better ({was:.3f} before, {now:.3f} now)"


def _told(old: Measures, new: Measures) -> str:
    """Say what labels show the new one to be better at; nothing where they show no such thing."""
    words = (
        ("finds more of what was labelled", old.truth, new.truth),
        ("locates what was labelled better", old.location, new.location),
    )
    for better, before, after in words:
        if before and after and (now := _mean(after)) > (was := _mean(before)):
            return f"it {better} ({was:.2f} before, {now:.2f} now)"
    return ""


def _gain(old: Measures | None, new: Measures) -> str:
    if old is not None and (told := _told(old, new)):
        return told
    if old is not None and new.crossing is not None and not _crosses(new):
        was, now = _mean(old.neighbours), _mean(new.neighbours)
        return (
            f"it holds neighbouring seconds closer ({was:.2f} before, {now:.2f} now), though here "
            "pictures and sounds say too little of each other to search one by the other"
        )
    if (old is None or old.crossing is None) and new.crossing is not None:
        return (
            "it is as good at finding moments again, and finds a second's own sound by its picture "
            f"before another's in {new.crossing:.0%} of cases"
        )
    return "it holds moments that belong together closer on footage it had not seen"


def _mean(by_mode: dict[str, float]) -> float:
    """Mean over the ways to search; each has been held to its own tolerance already."""
    return float(np.mean(list(by_mode.values())))


def _balance(measures: Measures) -> float:
    values = list((measures.agreement or measures.neighbours).values())
    values += [measures.crossing] if measures.crossing is not None else []
    return float(np.mean(values)) if values else 0.0


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
