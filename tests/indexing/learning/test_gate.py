"""Whether a new encoder is used, where people have labelled the footage it is judged on."""

from typing import Any

import numpy as np
import pytest

from indexing import ingest
from indexing.encoders.embedding import trained
from indexing.events import labels
from indexing.events.locations import LEAST_LABELS
from indexing.learning import trainer, training
from indexing.learning.gate import Judgement, judge, labelled
from indexing.models import Camera, Encoder, Recording, Training
from ml.corpus import Corpus
from tests.footage import add_footage
from tests.indexing.events.test_events import kinds, runs
from tests.indexing.learning.test_training import QUICK

pytestmark = pytest.mark.django_db

EVENT, KIND = "lorry", 2


@pytest.fixture
def recording() -> Recording:
    return add_footage(clips=2400)


def quickly(camera: Camera, **settings: Any) -> Training:
    """Train for an epoch; what comes of it is not put in use."""
    chosen = {**QUICK, **settings}
    begun = training.start(camera, method="tpg", epochs=1, settings=chosen, activate=False)
    assert begun.job
    ingest.run_job(begun.job.pk)
    begun.refresh_from_db()
    assert begun.state == Training.State.DONE
    return begun


def held_against(old: Encoder, new: Encoder, held_back: Corpus) -> tuple[Judgement, Judgement]:
    """Judge without labels and with the camera's."""
    truth = labelled(old.camera, held_back)
    assert truth
    without = judge(old, trained(new), held_back, positive_rate=None)
    return without, judge(old, trained(new), held_back, positive_rate=None, labels=truth)


def test_labels_keep_out_an_encoder_that_finds_less_of_them(recording: Recording) -> None:
    camera = Camera.objects.get(pk=recording.camera_id)
    for start, end in runs(kinds(recording) == KIND):
        labels.make(recording, EVENT, start, end)
    begun = quickly(camera)
    starter, one = camera.encoder, begun.encoder
    assert starter
    assert one
    _, held_back = trainer.read(begun)

    without, told = held_against(starter, one, held_back)
    assert without.activate
    assert "truth.video" not in without.new
    assert not told.activate
    assert "the new one finds less of what was labelled" in told.sentence
    assert told.sentence == begun.sentence.removeprefix("It was not put in use, as asked. ")
    failed = [check for check in told.verdict["checks"] if not check["fine"]]
    assert {check["name"].partition(".")[0] for check in failed} == {"truth"}


def test_only_events_labelled_often_in_what_is_held_back_are_asked_about(
    recording: Recording,
) -> None:
    at = round(recording.start.timestamp()) + np.arange(1800, 2400)
    rows = {name: np.zeros((600, 1), np.float32) for name in ("foreground", "sound", "trunk")}
    has = np.ones(600, bool)
    corpus = Corpus(**rows, mel=rows["sound"], has_video=has, has_audio=has, at=at, chunk=at // 60)
    for count in range(LEAST_LABELS):
        labels.make(recording, EVENT, 100 + count, 101 + count)
        assert labelled(recording.camera, corpus) is None
    for count in range(LEAST_LABELS):
        assert labelled(recording.camera, corpus) is None
        last = labels.make(recording, EVENT, 1790 + 20 * count, 1805 + 20 * count)
    labels.make(recording, "not " + EVENT, 2300, 2310)
    labels.make(recording, "horn", 2200, 2210)
    truth = labelled(recording.camera, corpus)
    assert truth
    seconds = [second for second, some in enumerate(truth, 1800) if some]
    expected = [s for n in range(LEAST_LABELS) for s in range(1790 + 20 * n, 1805 + 20 * n)]
    assert seconds == [second for second in expected if second >= 1800]
    assert set().union(*truth) == {EVENT}
    labels.delete([last])
    assert labelled(recording.camera, corpus) is None
