"""Event search with known truth: by both modalities, by one, and across them."""

from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ml import retrieval
from ml.baselines.system import Embedded
from ml.distance import AUDIO_WEIGHT
from ml.evaluation.truth import Modality, Truth
from ml.retrieval import Footage, Mode, Score

MODES: tuple[Mode, ...] = ("joint", "video", "audio", "video-to-audio", "audio-to-video")

Weight = float | NDArray[np.float64]


def search_scores(embedded: Embedded, truth: Truth) -> dict[Mode, Mapping[str, Score]]:
    """mAP@20 and recall@10 by mode and kind, as far as the embeddings allow each mode.

    A kind counts where it is seen, heard, or either for video, audio and joint; across modalities
    what is seen asks and what is heard answers, or the other way round.
    """
    return {mode: mode_scores(embedded, truth, mode) for mode in modes(embedded)}


def mode_scores(
    embedded: Embedded, truth: Truth, mode: Mode, *, audio_weight: Weight = AUDIO_WEIGHT
) -> Mapping[str, Score]:
    """mAP@20 and recall@10 by kind in one mode; `audio_weight` is for joint searches."""
    asked, answered = _sides(mode)
    labels = truth.labels(asked)
    targets = truth.labels(answered) if answered != asked else None
    z_v, z_a, has_video, how = embedded.z_v, embedded.z_a, embedded.has_video, mode
    shared = 0
    if answered != asked and embedded.common is not None:
        z_v, z_a = embedded.common
        shared = z_v.shape[1]
    if mode == "joint" and embedded.concatenated:
        # A concatenation is compared as one modality is, where a clip has both.
        z_v, has_video, how = embedded.joint, has_video & embedded.has_audio, "video"
    footage = Footage(z_v, z_a, has_video, embedded.has_audio, labels, targets, shared)
    return retrieval.evaluate(footage, how, audio_weight=audio_weight)


def modes(embedded: Embedded) -> list[Mode]:
    """The kinds of search that these embeddings allow."""
    video, audio = bool(embedded.z_v.shape[1]), bool(embedded.z_a.shape[1])
    possible: dict[str, bool] = {"joint": video and audio, "video": video, "audio": audio}
    return [mode for mode in MODES if possible.get(mode, embedded.common is not None)]


def _sides(mode: Mode) -> tuple[Modality, Modality]:
    """What must be true of a query, and of a right hit."""
    asked, _, answered = mode.partition("-to-")
    return cast(Modality, asked), cast(Modality, answered or asked)
