"""What footage must be like to be trained on, and what of it can be. numpy only."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus
from ml.refusal import Refusal
from ml.schedule import Sides

# Five minutes of clips: with less, nothing comes back often enough to be told from chance.
LEAST_CLIPS = 300
# A picture's description whose every column deviates less than this says the same of all clips.
UNCHANGING = 1e-6
# A constant sound: nearly all seconds are as near to the usual one as this in every column. White
# noise is .7 dB away, streets 30; a pure tone .01, but for the 14 s until an AAC coder has settled.
STILL_DB, STILL_SHARE = 0.5, 0.95


class TrainingError(Refusal):
    """A training that cannot begin or go on; `sentence` says why."""


@dataclass(frozen=True, eq=False)
class Trainable:
    """What can be trained on a corpus."""

    sides: Sides
    clips: NDArray[np.int64]  # the rows to train on, ascending
    notes: tuple[str, ...]  # in sentences, what cannot be trained


@dataclass(frozen=True, eq=False)
class _Side:
    """One modality of a corpus: the seconds that have it, and whether it is the same in all."""

    name: Sides
    present: NDArray[np.bool_]
    still: bool

    @property
    def seconds(self) -> int:
        """How many seconds there are to learn from."""
        return 0 if self.still else int(self.present.sum())


def trainable(corpus: Corpus) -> Trainable:
    """Find out what can be trained: picture and sound, or the one of them that says something.

    Raises TrainingError where there is too little footage, where nothing in it ever changes, or
    where it holds values that are no numbers.
    """
    _refuse_broken(corpus)
    seen = _Side("video", corpus.has_video, _still_picture(corpus))
    heard = _Side("audio", corpus.has_audio, _still_sound(corpus))
    both = seen.present & heard.present
    if both.sum() >= LEAST_CLIPS and not (seen.still or heard.still):
        left = int((seen.present ^ heard.present).sum())
        notes = (f"{left} seconds lack picture or sound and are not trained on.",) if left else ()
        return Trainable("both", np.flatnonzero(both), notes)
    alone, other = (seen, heard) if seen.seconds >= heard.seconds else (heard, seen)
    if alone.seconds < LEAST_CLIPS:
        raise TrainingError(_too_little(alone, other))
    note = _without(other, int(both.sum()))
    return Trainable(alone.name, np.flatnonzero(alone.present), (note,))


def _too_little(alone: _Side, other: _Side) -> str:
    """Say why nothing can be trained, of the modality with more to learn from and the other."""
    if alone.still and other.still:
        return "Neither picture nor sound ever changes, so there is nothing to learn from them."
    if not alone.seconds and (alone.still or other.still):
        picture = (alone if alone.still else other).name == "video"
        same, none = ("picture", "is no sound") if picture else ("sound", "are no pictures")
        return f"The {same} never changes, and there {none}, so there is nothing to learn from."
    return (
        f"There are {alone.seconds} seconds to train on, and at least {LEAST_CLIPS} are needed: "
        f"{LEAST_CLIPS - alone.seconds} more."
    )


def _without(side: _Side, both: int) -> str:
    """Say why one modality is not trained, where so many seconds have both."""
    picture = side.name == "video"
    if side.still:
        why = "The picture never changes" if picture else "The sound never changes"
    elif not side.present.any():
        why = "This footage has no pictures" if picture else "This footage has no sound"
    else:
        why = f"Only {both} seconds have picture and sound, and at least {LEAST_CLIPS} are needed"
    alone = "the sound alone is" if picture else "the pictures alone are"
    return f"{why}: {alone} trained, and no search crosses from one to the other."


def _still_picture(corpus: Corpus) -> bool:
    rows = corpus.foreground[corpus.has_video]
    return bool(len(rows)) and float(rows.std(axis=0).max()) < UNCHANGING


def _still_sound(corpus: Corpus) -> bool:
    """Tell whether hardly a second sounds unlike the others of its chunk.

    Chunks are compared each with itself, since each has a background of its own taken off.
    """
    off = [
        np.abs(rows - np.median(rows, axis=0)).max(axis=1)
        for number in np.unique(corpus.chunk[corpus.has_audio])
        for rows in (corpus.sound[(corpus.chunk == number) & corpus.has_audio],)
    ]
    return bool(off) and float((np.concatenate(off) < STILL_DB).mean()) >= STILL_SHARE


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
