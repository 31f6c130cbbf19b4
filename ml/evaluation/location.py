"""Event location: a linear layer learns one stream's labels and is asked about another."""

import numpy as np

from ml.evaluation.embedded import Embedded
from ml.evaluation.truth import MODALITIES, Modality, Truth
from ml.localization import Classifier, Measures, measure

Locators = dict[Modality, tuple[list[str], Classifier]]


def train_locators(embedded: Embedded, truth: Truth, *, seed: int) -> Locators:
    """Train one linear layer a modality on a stream; each with the kinds it was taught."""
    locators: Locators = {}
    for modality in MODALITIES:
        rows, masks = embedded.rows(modality), truth.masks(modality)
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
        rows, masks = embedded.rows(modality), truth.masks(modality)
        if rows is not None:
            columns = zip(kinds, classifier.probabilities(rows).T, strict=True)
            scores[modality] = {k: measure(column, masks[k]) for k, column in columns if k in masks}
    return scores
