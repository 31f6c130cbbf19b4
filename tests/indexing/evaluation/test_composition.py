"""Real sounds over real ambience at known times: search finds the others of their kind."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from indexing.evaluation.composition.compose import compose
from indexing.evaluation.composition.schedule import APART_S, schedule
from indexing.models import Recording
from indexing.search.query import With
from ml.crossroads import truth
from tests.composition.evaluate import right_hits

pytestmark = pytest.mark.media


def test_a_composition_is_the_same_for_the_same_seed(media: Path) -> None:
    planned = schedule(media / "sounds" / "urbansound", 900, 3)

    assert planned == schedule(media / "sounds" / "urbansound", 900, 3)
    assert planned != schedule(media / "sounds" / "urbansound", 900, 4)
    assert len({one.path for one in planned}) == len(planned)
    for kind in {one.kind for one in planned}:
        starts = [one.start_s for one in planned if one.kind == kind]
        assert all(b - a >= APART_S for a, b in pairwise(starts))


@pytest.mark.django_db(transaction=True)
def test_one_siren_finds_the_other_sirens_first(
    media: Path, tmp_path: Path, ingest_file: Callable[..., Recording]
) -> None:
    # One vehicle that comes by three times; how search fares at large is measured, not tested.
    path = tmp_path / "street.m4a"
    kinds = ("siren", "car_horn", "dog_bark")
    heard = compose(path, media, seconds=240, seed=5, kinds=kinds, originals=1, video=False)
    recording = ingest_file(path)
    sirens = [one for one in heard if one.event == "siren"]

    right = right_hits(recording.pk, sirens[0], sirens[1:], With.AUDIO)

    assert truth.read(path.with_suffix(".csv").read_text()) == heard
    assert recording.duration_s == 240
    assert len(sirens) == 3
    assert right[:2] == [True, True]
