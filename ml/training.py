"""The training of a camera's two encoders on its own footage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus
from ml.method import Method
from ml.trained import TrainedEncoder

LEAST_CLIPS = 300

Arrays = Mapping[str, NDArray[np.generic]]


class TrainingError(Exception):
    """A training that cannot begin or go on; `sentence` says why."""

    @property
    def sentence(self) -> str:
        """One plain sentence: what is wrong and what to do."""
        return str(self)


@dataclass(frozen=True)
class EpochReport:
    """What one epoch did."""

    epoch: int  # from 1
    stage: str  # what was trained, in words
    loss: float
    positive_rate: float  # part of the pairs of different clips that were labelled positive
    alignment: float  # chance that a clip's own sound is nearer than another clip's; .5 is chance
    spread: float  # effective rank of the embeddings, of the modality that has less
    seconds: float
    warning: str = ""  # a sentence where the embedding has collapsed


class Training:
    """One training: `run_epoch` until `finished`, then `encoder`."""

    epochs_done: int
    epochs_total: int
    notes: tuple[str, ...]

    def __init__(self, corpus: Corpus, method: Method, seed: int, *, pretrained: bool) -> None:
        raise NotImplementedError

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epochs_done >= self.epochs_total

    def run_epoch(self, on_step: Callable[[float], None] = lambda part: None) -> EpochReport:
        """Train one epoch; `on_step` is told the part of it that is done, in (0, 1]."""
        raise NotImplementedError

    def checkpoint(self) -> dict[str, NDArray[np.generic]]:
        """Return everything needed to go on, as named arrays."""
        raise NotImplementedError

    @classmethod
    def resume(cls, corpus: Corpus, arrays: Arrays) -> "Training":
        """Go on from a checkpoint to the identical result."""
        raise NotImplementedError

    def encoder(self) -> TrainedEncoder:
        """Return the encoder as trained so far."""
        raise NotImplementedError
