"""A new encoder held against the one in use, on footage held back from training (ml.gate).

Where people have labelled events in that footage, what is found and located of them counts too.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from indexing.encoders.embedding import embed_corpus
from indexing.events.locations import LEAST_LABELS
from indexing.models import Camera, Encoder, Label
from ml.corpus import Corpus
from ml.gate import decide
from ml.held_back import Labels, Measures, measure
from ml.trained import TrainedEncoder

Metrics = dict[str, float]


@dataclass(frozen=True)
class Judgement:
    """What the gate says: the verdict for a row, and what was measured of both encoders."""

    activate: bool
    sentence: str
    verdict: dict[str, Any]
    old: Metrics
    new: Metrics
    crosses: bool = True  # False where pictures and sounds find each other by chance alone


def judge(
    old: Encoder | None,
    new: TrainedEncoder,
    held_back: Corpus,
    *,
    positive_rate: float | None,
    labels: Labels | None = None,
) -> Judgement:
    """Measure both encoders on held-back footage, and decide which is to be used.

    Args:
        old: the encoder in use, if any.
        new: the one just trained.
        held_back: whole chunks of the camera that it was not trained on.
        positive_rate: of the last epoch, where it had one.
        labels: what happens in each held-back second (`labelled`), where people said enough.

    Raises:
        FileDamaged: the file of the encoder in use is not the one that was recorded.
    """
    (z_v, z_a), novelty = new.embed_with_novelty(held_back)
    if not (np.isfinite(z_v).all() and np.isfinite(z_a).all()):
        return _refused("The encoder in use stays: the new one embeds to what are no numbers.")
    after = measure(
        held_back,
        z_v,
        z_a,
        new.shared,
        novelty=novelty,
        labels=labels,
        positive_rate=positive_rate,
    )
    before = None
    if old:
        mine = embed_corpus(old, held_back)
        before = measure(
            held_back, mine.video, mine.audio, old.shared, novelty=mine.novelty, labels=labels
        )
    verdict = decide(before, after)
    return Judgement(
        activate=verdict.activate,
        sentence=verdict.sentence,
        verdict=verdict.to_json(),
        old=flat(before) if before else {},
        new=flat(after),
        crosses=verdict.crosses,
    )


def labelled(camera: Camera, held_back: Corpus) -> Labels | None:
    """Return the events of each held-back second, of those labelled at least five times in it.

    None where there are none. Labels are asked for here only, after the training.
    """
    events: dict[str, list[range]] = {}
    for label in Label.objects.filter(
        recording__camera=camera, ended=None, absent=False
    ).select_related("recording"):
        begin = round(label.recording.start.timestamp())
        events.setdefault(label.event, []).append(range(begin + label.start_s, begin + label.end_s))
    here = {int(at): set[str]() for at in held_back.at}
    for event, spans in events.items():
        inside = [span for span in spans if any(at in here for at in span)]
        if len(inside) >= LEAST_LABELS:
            for at in (at for span in inside for at in span if at in here):
                here[at].add(event)
    return [here[int(at)] for at in held_back.at] if any(here.values()) else None


def _refused(sentence: str) -> Judgement:
    return Judgement(
        False, sentence, {"activate": False, "sentence": sentence, "checks": []}, {}, {}
    )


def flat(measures: Measures) -> Metrics:
    """Return what was measured by name: `neighbours.video`, `crossing` and so on."""
    found: Metrics = {}
    for name, value in asdict(measures).items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{mode}": float(one) for mode, one in value.items()}
        elif value is not None and name != "clips":
            found[name] = float(value)
    return found
