"""An event learnt from a handful of labels among hours that nobody labelled. numpy only.

The layer is ml.localization's. Most seconds are unlabelled, and nearly all of them are without the
event, so some of them stand for its absence. Those that a first layer finds most like the event may
be occurrences that nobody labelled, and a second layer learns without them: on rendered streets
with five labels that raised average precision on everything else from .69 to .79.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ml.localization import Classifier, measure

# Unlabelled seconds that stand for the event's absence; more were no better, and slower.
UNLABELLED = 1000
# The share of them that is too much like the event to be taken for its absence.
DOUBTFUL = 0.03
# So near to a label an event may begin or fade out, so nothing is taken for granted there.
GUARD_S = 5
# What lies within a minute is the same moment: it is never on both sides of a split.
APART_S = 60
FOLDS = 5
# With fewer moments that far apart, what is left to learn from says little about the whole.
LEAST_MOMENTS = 3
# Farther from even chances than this, an answer is known beforehand.
UNSURE = 0.45
# How many of the most uncertain seconds the most different ones are chosen from.
POOL = 8

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]
Mask = NDArray[np.bool_]
Truth = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Seconds:
    """n embedded seconds of one camera in the order of time, and what was said of each.

    truth is 1 where the event happens, -1 where it does not, 0 where nobody said anything.
    """

    rows: Floats  # (n, d), NaN where a modality is absent
    at: Longs  # (n,) whole seconds on the camera's clock, ascending
    truth: Truth  # (n,)

    def __len__(self) -> int:
        return len(self.at)

    def some(self, index: NDArray[np.generic]) -> "Seconds":
        """Return the seconds of an ascending index or a mask (n,)."""
        return Seconds(self.rows[index], self.at[index], self.truth[index])


@dataclass(frozen=True)
class Quality:
    """How well an event was told in seconds whose labels were left out, split by time.

    Unlabelled seconds count as without the event, so both are rather too low. moments are those a
    minute apart in which it was labelled.
    """

    average_precision: float
    balanced_accuracy: float
    moments: int


def sample(at: Longs, truth: Truth, most: int = UNLABELLED) -> Longs:
    """Choose which of n seconds are learnt from -> their ascending index.

    They are the labelled ones, and unlabelled ones evenly spread over the rest.
    """
    free = (truth == 0) & ~near(at, at[truth > 0], GUARD_S)
    others = np.flatnonzero(free)
    if len(others) > most:
        others = others[np.linspace(0, len(others) - 1, most).round().astype(np.int64)]
    return np.union1d(np.flatnonzero(truth), others)


def learn(seconds: Seconds, seed: int = 0) -> Classifier:
    """Learn an event from sampled seconds, in two steps.

    Raises ValueError where it is labelled in none of them, or nowhere absent.
    """
    happens = seconds.truth > 0
    if not happens.any() or happens.all():
        raise ValueError("An event is learnt from seconds with and without it.")
    first = Classifier.fit(seconds.rows, happens, seed=seed, balanced=True)
    likely = first.probabilities(seconds.rows)[:, 0]
    unlabelled = seconds.truth == 0
    if not unlabelled.any():
        return first
    doubtful = unlabelled & (likely > np.quantile(likely[unlabelled], 1 - DOUBTFUL))
    if (happens | doubtful).all():
        return first
    return Classifier.fit(seconds.rows[~doubtful], happens[~doubtful], seed=seed, balanced=True)


def quality(
    seconds: Seconds, seed: int = 0, on_fold: Callable[[float], None] = lambda done: None
) -> Quality | None:
    """Measure how well an event is told in stretches of time that were left out, one by one.

    `on_fold` is told how much is done, 0 to 1. None where its moments are too few to tell.
    """
    starts = moments(seconds)
    if len(starts) < LEAST_MOMENTS:
        return None
    told: list[Doubles] = []
    truth: list[Mask] = []
    folds = list(_folds(seconds, starts))
    for number, (learnt, asked) in enumerate(folds, 1):
        some = seconds.some(learnt)
        if (some.truth > 0).all() or not len(some):
            return None
        told.append(learn(some, seed).probabilities(seconds.rows[asked])[:, 0])
        truth.append(seconds.truth[asked] > 0)
        on_fold(number / len(folds))
    measured = measure(np.concatenate(told), np.concatenate(truth))
    if not np.isfinite(measured.balanced_accuracy):
        return None
    return Quality(measured.average_precision, measured.balanced_accuracy, len(starts))


def moments(seconds: Seconds) -> Longs:
    """Return when each moment of the event begins: a minute or more without it lies before."""
    at = seconds.at[seconds.truth > 0]
    return at[np.diff(at, prepend=-(10**9)) > APART_S]


def _folds(seconds: Seconds, starts: Longs) -> Iterator[tuple[Mask, Mask]]:
    """Yield which seconds (n,) are learnt from and which are asked about, stretch by stretch.

    A stretch begins with one of the event's moments, and no second that is learnt from lies within
    a minute of one that is asked about: of the two, the one without the event is left out.
    """
    at, happens = seconds.at, seconds.truth > 0
    cuts = [int(part[0]) for part in np.array_split(starts, min(FOLDS, len(starts)))]
    edges = [-np.inf, *cuts[1:], np.inf]
    for begin, end in pairwise(edges):
        inside = (at >= begin) & (at < end)
        asked = inside & (happens | ~near(at, at[happens & ~inside], APART_S))
        yield ~inside & ~near(at, at[asked], APART_S), asked


def near(at: Longs, others: Longs, within_s: int) -> Mask:
    """Tell which moments (n,) lie within so many seconds of any of the others, both ascending."""
    if not len(others):
        return np.zeros(len(at), np.bool_)
    after = np.searchsorted(others, at)
    distances = [np.abs(at - others[np.clip(after - step, 0, len(others) - 1)]) for step in (0, 1)]
    return np.asarray(np.minimum(*distances) <= within_s)


def propose(seconds: Seconds, told: Doubles, count: int) -> Longs:
    """Choose the seconds most worth a label -> their index, at most `count`, best first.

    They are the most uncertain by `told` (n,), a minute from each other and from every second that
    was labelled, and of those the ones that differ most; fewer where little is in doubt.
    """
    open_ = (np.abs(told - 0.5) < UNSURE) & ~near(
        seconds.at, seconds.at[seconds.truth != 0], APART_S
    )
    pool: list[int] = []
    for index in np.argsort(np.abs(told - 0.5), kind="stable"):
        if open_[index]:
            pool.append(int(index))
            open_ &= np.abs(seconds.at - seconds.at[index]) > APART_S
        if len(pool) == POOL * count:
            break
    return np.array(_different(seconds.rows[pool], pool, count), np.int64)


def _different(rows: Floats, pool: list[int], count: int) -> list[int]:
    """Take the first of the pool, then again and again what is farthest from all taken."""
    if not pool:
        return []
    known = np.nan_to_num(rows)
    scaled = (known - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-6)
    taken = [0]
    apart = np.linalg.norm(scaled - scaled[0], axis=1)
    while len(taken) < min(count, len(pool)):
        apart[taken] = -1
        taken.append(int(np.argmax(apart)))
        apart = np.minimum(apart, np.linalg.norm(scaled - scaled[taken[-1]], axis=1))
    return [pool[each] for each in taken]
