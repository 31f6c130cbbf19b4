"""What footage must be like to be trained on, and what of it can be. numpy only."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus
from ml.schedule import Sides

# Five minutes of clips: with less, nothing comes back often enough to be told from chance.
LEAST_CLIPS = 300
# A description whose every column deviates less than this says the same of all clips.
UNCHANGING = 1e-6


class TrainingError(Exception):
    """A training that cannot begin or go on; `sentence` says why."""

    @property
    def sentence(self) -> str:
        """One plain sentence: what is wrong and what to do."""
        return str(self)


@dataclass(frozen=True, eq=False)
class Trainable:
    """What can be trained on a corpus."""

    sides: Sides
    clips: NDArray[np.int64]  # the rows to train on, ascending
    notes: tuple[str, ...]  # in sentences, what cannot be trained


def trainable(corpus: Corpus) -> Trainable:
    """Find out what can be trained.

    Raises TrainingError where there is too little footage or it holds values that are no numbers.
    """
    _refuse_broken(corpus)
    seen, heard = corpus.has_video, corpus.has_audio
    both = seen & heard
    if both.sum() >= LEAST_CLIPS:
        notes = [*_unchanging(corpus, both)]
        if left := int((seen ^ heard).sum()):
            notes.append(f"{left} seconds lack picture or sound and are not trained on.")
        return Trainable("both", np.flatnonzero(both), tuple(notes))
    there = int(max(seen.sum(), heard.sum()))
    if there < LEAST_CLIPS:
        raise TrainingError(
            f"There are {there} seconds to train on, and at least {LEAST_CLIPS} are needed: "
            f"{LEAST_CLIPS - there} more."
        )
    sides: Sides = "video" if seen.sum() >= heard.sum() else "audio"
    present, missing = (seen, "sound") if sides == "video" else (heard, "pictures")
    note = (
        f"Only {int(both.sum())} seconds have picture and sound, and at least {LEAST_CLIPS} are "
        f"needed: the {missing} cannot be trained, nor search from one to the other."
    )
    return Trainable(sides, np.flatnonzero(present), (note, *_unchanging(corpus, present)))


def fingerprint(corpus: Corpus) -> str:
    """SHA-256 of what a training reads of every clip but the two largest parts."""
    digest = hashlib.sha256()
    columns: tuple[NDArray[np.generic], ...] = (
        *(corpus.at, corpus.chunk, corpus.has_video, corpus.has_audio),
        *(corpus.foreground, corpus.sound),
    )
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _refuse_broken(corpus: Corpus) -> None:
    columns = {
        "pictures": (corpus.has_video, (corpus.foreground, corpus.trunk)),
        "sounds": (corpus.has_audio, (corpus.sound, corpus.mel)),
    }
    for what, (present, arrays) in columns.items():
        fine = np.ones(len(corpus), bool)
        for array in arrays:
            fine &= np.isfinite(array.reshape(len(array), -1).sum(axis=1, dtype=np.float32))
        if broken := int((present & ~fine).sum()):
            raise TrainingError(
                f"What was kept of the {what} of {broken} of {len(corpus)} seconds is damaged; "
                "have the recordings of this camera read anew."
            )


def _unchanging(corpus: Corpus, rows: NDArray[np.bool_]) -> Iterator[str]:
    for what, array, mask in (
        ("picture", corpus.foreground, corpus.has_video),
        ("sound", corpus.sound, corpus.has_audio),
    ):
        if (rows & mask).any() and array[rows & mask].std(axis=0).max() < UNCHANGING:
            yield f"The {what} never changes, so there is nothing to learn from it."
