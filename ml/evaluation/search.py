"""Event search with known truth: by both modalities, by one, and across them."""

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ml import retrieval
from ml.distance import AUDIO_WEIGHT
from ml.evaluation.truth import Modality, Truth
from ml.retrieval import Footage, Mode, Score

MODES: tuple[Mode, ...] = ("joint", "video", "audio", "video-to-audio", "audio-to-video")

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Scores = dict[Mode, Mapping[str, Score]]


def search_scores(
    z_v: Floats,
    z_a: Floats,
    shared: int,
    has_video: Mask,
    has_audio: Mask,
    truth: Truth,
    *,
    audio_weight: float | NDArray[np.float64] = AUDIO_WEIGHT,
) -> Scores:
    """mAP@20 and recall@10 by mode and kind, as far as the embeddings allow each mode.

    A kind counts where it is seen, heard, or either for video, audio and joint; across modalities
    what is seen asks and what is heard answers, or the other way round. z_v or z_a without columns
    stands for a system that has no such modality.
    """
    scores: Scores = {}
    for mode in _modes(z_v, z_a, shared):
        asked, answered = _sides(mode)
        targets = truth.labels(answered) if answered != asked else None
        labels = truth.labels(asked)
        footage = Footage(z_v, z_a, has_video, has_audio, labels, targets, shared)
        scores[mode] = retrieval.evaluate(footage, mode, audio_weight=audio_weight)
    return scores


def _modes(z_v: Floats, z_a: Floats, shared: int) -> list[Mode]:
    video, audio = bool(z_v.shape[1]), bool(z_a.shape[1])
    possible = {"joint": video and audio, "video": video, "audio": audio}
    return [mode for mode in MODES if possible.get(mode, bool(shared))]


def _sides(mode: Mode) -> tuple[Modality, Modality]:
    """What must be true of a query, and of a right hit."""
    asked, _, answered = mode.partition("-to-")
    return cast(Modality, asked), cast(Modality, answered or asked)
