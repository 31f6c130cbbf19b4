"""Whether a new encoder may take the place of the one in use: ml.gate on held-back footage."""

from dataclasses import dataclass
from typing import Any

from indexing.models import Encoder
from ml.corpus import Corpus
from ml.trained import TrainedEncoder


@dataclass(frozen=True)
class Judgement:
    """What the gate says, in a sentence and as the checks behind it; metrics for the registry."""

    activate: bool
    sentence: str
    checks: list[dict[str, Any]]
    metrics: dict[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """Return the verdict for a row."""
        return {"activate": self.activate, "sentence": self.sentence, "checks": self.checks}


def judge(old: Encoder | None, new: TrainedEncoder, held_back: Corpus) -> Judgement:
    """Hold a new encoder against the one in use, on footage that neither was fitted on."""
    raise NotImplementedError
