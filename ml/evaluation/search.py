"""Event search with known truth: by both modalities, by one, and across them."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ml import retrieval
from ml.baselines.system import Doubles, Embedded
from ml.distance import AUDIO_WEIGHT, weight_of_sound
from ml.evaluation.truth import Modality, Truth
from ml.retrieval import Footage, Labels, Mode, Score

MODES: tuple[Mode, ...] = ("joint", "video", "audio", "video-to-audio", "audio-to-video")


def search_scores(embedded: Embedded, truth: Truth) -> dict[Mode, Mapping[str, Score]]:
    """mAP@20 and recall@10 by mode and kind, as far as the embeddings allow each mode.

    A kind counts where it is seen, heard, or either for video, audio and joint; across modalities
    what is seen asks and what is heard answers, or the other way round.
    """
    return {mode: mode_scores(embedded, truth, mode) for mode in modes(embedded)}


def mode_scores(embedded: Embedded, truth: Truth, mode: Mode) -> Mapping[str, Score]:
    """mAP@20 and recall@10 by kind in one mode."""
    asked, answered = _sides(mode)
    targets = truth.labels(answered) if answered != asked else None
    footage, how = _footage(embedded, mode, truth.labels(asked), targets)
    return retrieval.evaluate(footage, how)


def mode_distances(embedded: Embedded, queries: Sequence[int], mode: Mode) -> NDArray[np.float64]:
    """Distance of every clip to q queries in one mode (q, n), infinite where one lacks."""
    footage, how = _footage(embedded, mode, (), None)
    return retrieval.distances_from(footage, queries, how)


def _footage(
    embedded: Embedded, mode: Mode, labels: Labels, targets: Labels | None
) -> tuple[Footage, Mode]:
    """The embeddings that a mode compares, and the mode to compare them by."""
    z_v, z_a, shared = embedded.z_v, embedded.z_a, 0
    has_video, has_audio = embedded.has_video, embedded.has_audio
    if "-to-" in mode and embedded.common is not None:
        z_v, z_a = embedded.common
        shared = z_v.shape[1]
    if mode == "joint" and embedded.concatenated:
        # A concatenation is compared as one modality is, where a clip has both.
        mode, z_v, has_video = "video", embedded.joint, has_video & has_audio
    weight: Doubles | float = AUDIO_WEIGHT
    if embedded.novelty is not None:
        weight = weight_of_sound(*embedded.novelty)
    return Footage(z_v, z_a, has_video, has_audio, labels, targets, shared, weight), mode


def modes(embedded: Embedded) -> list[Mode]:
    """The kinds of search that these embeddings allow."""
    video, audio = bool(embedded.z_v.shape[1]), bool(embedded.z_a.shape[1])
    possible: dict[str, bool] = {"joint": video and audio, "video": video, "audio": audio}
    return [mode for mode in MODES if possible.get(mode, embedded.common is not None)]


def _sides(mode: Mode) -> tuple[Modality, Modality]:
    """What must be true of a query, and of a right hit."""
    asked, _, answered = mode.partition("-to-")
    return cast(Modality, asked), cast(Modality, answered or asked)
