"""Event location: a linear layer learns one stream's labels and is asked about another."""

import numpy as np
from numpy.typing import NDArray

from ml.baselines.system import Embedded
from ml.evaluation.truth import MODALITIES, Modality, Truth
from ml.localization import Classifier, Measures, joint_rows, measure

Locators = dict[Modality, tuple[list[str], Classifier]]


def train_locators(embedded: Embedded, truth: Truth, *, seed: int) -> Locators:
    """Train one linear layer a modality on a stream; each with the kinds it was taught."""
    locators: Locators = {}
    for modality in MODALITIES:
        rows, masks = _rows(embedded, modality), truth.masks(modality)
        if rows is not None and masks:
            labels = np.stack(list(masks.values()), axis=1)
            locators[modality] = list(masks), Classifier.fit(rows, labels, seed=seed)
    return locators


def location_scores(
    locators: Locators, embedded: Embedded, truth: Truth
) -> dict[Modality, dict[str, Measures]]:
    """Ask trained layers about a stream: for every kind that was taught and happens here."""
    scores: dict[Modality, dict[str, Measures]] = {}
    for modality, (kinds, classifier) in locators.items():
        rows, masks = _rows(embedded, modality), truth.masks(modality)
        if rows is not None:
            columns = zip(kinds, classifier.probabilities(rows).T, strict=True)
            scores[modality] = {k: measure(column, masks[k]) for k, column in columns if k in masks}
    return scores


def _rows(embedded: Embedded, modality: Modality) -> NDArray[np.float32] | None:
    """What a layer reads, (n, d), NaN where absent; None where the system has no such thing."""
    width, present = embedded.z_v.shape[1], (embedded.has_video, embedded.has_audio)
    rows = joint_rows(embedded.z_v, embedded.z_a, has_video=present[0], has_audio=present[1])
    if modality == "joint":
        return rows if 0 < width < rows.shape[1] else None
    part = rows[:, :width] if modality == "video" else rows[:, width:]
    return part if part.shape[1] else None
