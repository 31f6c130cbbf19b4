"""What happens in a stream, second by second, as the measures ask for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.crossroads import truth
from ml.crossroads.truth import Occurrence

Modality = Literal["joint", "video", "audio"]
MODALITIES: tuple[Modality, ...] = ("joint", "video", "audio")

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Truth:
    """When each kind of event is seen and heard in a stream of `seconds` seconds.

    Masks (seconds,) by kind; a kind that is never seen, or never heard, has no mask there.
    """

    seconds: int
    seen: Mapping[str, Mask]
    heard: Mapping[str, Mask]

    @classmethod
    def of(cls, occurrences: Iterable[Occurrence], seconds: int) -> "Truth":
        """Read the rows of a truth file; a second counts where an event fills half of it."""
        rows = list(occurrences)
        kinds = sorted({row.event for row in rows})

        def masks(how: str) -> dict[str, Mask]:
            found = {kind: truth.seconds(rows, kind, seconds, how) for kind in kinds}
            return {kind: mask for kind, mask in found.items() if mask.any()}

        return cls(seconds, masks("seen"), masks("heard"))

    @property
    def kinds(self) -> list[str]:
        """All kinds that are seen or heard, sorted."""
        return sorted({*self.seen, *self.heard})

    def masks(self, modality: Modality) -> dict[str, Mask]:
        """Masks by kind: seen for video, heard for audio, either for joint."""
        if modality == "video":
            return dict(self.seen)
        if modality == "audio":
            return dict(self.heard)
        nowhere = np.zeros(self.seconds, np.bool_)
        return {k: self.seen.get(k, nowhere) | self.heard.get(k, nowhere) for k in self.kinds}

    def labels(self, modality: Modality) -> list[frozenset[str]]:
        """The kinds of every second."""
        masks = self.masks(modality).items()
        return [frozenset(k for k, mask in masks if mask[s]) for s in range(self.seconds)]

    def anything(self, kinds: Iterable[str] | None = None) -> Mask:
        """Mask of the seconds in which any of these kinds, or of all, is seen or heard."""
        masks = self.masks("joint")
        chosen = [masks[kind] for kind in (masks if kinds is None else kinds) if kind in masks]
        return np.any(chosen, axis=0) if chosen else np.zeros(self.seconds, np.bool_)


def runs(mask: Mask) -> list[tuple[int, int]]:
    """The stretches start <= s < end in which a mask (n,) is set."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in list(pairwise(edges))[::2]]


def widened(mask: Mask, seconds: int) -> Mask:
    """A mask (n,) with so many seconds more to either side of what is set."""
    wide = np.zeros_like(mask)
    for start, end in runs(mask):
        wide[max(0, start - seconds) : end + seconds] = True
    return wide
