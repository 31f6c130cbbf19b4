"""What the gate says of a training, and what the truth says of it."""

from typing import Any

import numpy as np

from indexing.evaluation.fingerprint import fingerprint
from indexing.evaluation.streams import Stream
from ml.baselines.descriptions import Starter
from ml.baselines.learnt import Learnt
from ml.baselines.system import Embedded, System
from ml.corpus import Corpus
from ml.evaluation.search import mode_scores
from ml.evaluation.truth import Truth
from ml.gate import decide
from ml.held_back import Measures, measure


def judge(
    system: Learnt,
    trunk_weights: str | None,
    train: Corpus,
    held_back: Stream,
    test: Corpus,
    truth: Truth,
) -> dict[str, Any]:
    """Hold a trained system against the starter encoder of the same footage, as the product does.

    The gate sees `held_back`, a stream of the same view that nothing was trained on, without its
    labels. `truth_change` is what a switch does to joint mAP@20 on a labelled test stream.
    """
    starter = Starter(trunk_weights)
    starter.fit(train, 0)
    unseen = held_back.corpus(2)
    rate = system.reports[-1].positive_rate if system.reports else None
    verdict = decide(_measured(starter, unseen, None), _measured(system, unseen, rate))
    before, after = (_truth(each.embed(test), truth) for each in (starter, system))
    return {
        "activate": verdict.activate,
        "sentence": verdict.sentence,
        "truth_change": after - before,
        "code": gate_code(),
    }


def gate_code() -> str:
    """What tells verdicts of one gate from those of another."""
    return fingerprint("ml.gate")


def _measured(system: System, corpus: Corpus, positive_rate: float | None) -> Measures:
    e = system.embed(corpus)
    shared = e.common[0].shape[1] if e.common else 0
    return measure(corpus, e.z_v, e.z_a, shared, novelty=e.novelty, positive_rate=positive_rate)


def _truth(embedded: Embedded, truth: Truth) -> float:
    scores = mode_scores(embedded, truth, "joint").values()
    return float(np.mean([score.mean_average_precision for score in scores]))
