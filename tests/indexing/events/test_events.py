"""Events learnt from labels: located, measured on others, learnt again when they change."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from numpy.typing import NDArray
from pytest_django import DjangoCaptureOnCommitCallbacks

from indexing import ingest
from indexing.encoders import registry
from indexing.events import labels, locations, locator, probabilities, samples
from indexing.events.locations import EventError
from indexing.files import absolute
from indexing.models import Camera, Encoder, Job, Location, Recording, Work
from indexing.verify import garbage, verify
from ml.localization import measure
from ml.locating import Quality
from tests.footage import KINDS, LASTING_S, add_footage

pytestmark = pytest.mark.django_db

Drain = Callable[[], None]
Drawn = NDArray[Any]
EVENT = "siren"
KIND = 2


def kinds(recording: Recording, seed: int = 0) -> Drawn:
    """What happens in each second of footage that was drawn with this seed: the draws again."""
    noise = np.random.default_rng(seed)
    happens = np.zeros(recording.duration_s, np.int64)
    for start, length in ingest.plan(recording.duration_s):
        happens[start : start + length] = np.repeat(noise.integers(0, KINDS, length), LASTING_S)[
            :length
        ]
        # What the drawing of features takes from the same stream.
        skip(noise, length)
    return happens


def skip(noise: np.random.Generator, clips: int) -> None:
    from tests.footage import Looks

    looks = Looks.draw()
    for rows in (looks.foreground, looks.sound, looks.trunk, looks.mel):
        noise.normal(size=(clips, *rows.shape[1:]))


def runs(happens: Drawn) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], happens.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


@pytest.fixture
def recording() -> Recording:
    """Twenty minutes in which six kinds of things happen at random."""
    return add_footage(clips=1200)


@pytest.fixture
def happens(recording: Recording) -> Drawn:
    return np.asarray(kinds(recording) == KIND)


def label(recording: Recording, happens: Drawn, count: int, apart: int = 90) -> None:
    """Label occurrences that begin so many seconds apart."""
    last = -apart
    for start, end in runs(happens):
        if count and start - last >= apart:
            labels.make(recording, EVENT, start, end, made_by="ann")
            last, count = start, count - 1
    assert not count


def learnt(capture: DjangoCaptureOnCommitCallbacks, drain: Drain, act: Callable[[], Any]) -> Any:
    """Act, and do all work that follows from it."""
    with capture(execute=True):
        found = act()
    with capture(execute=True):
        drain()
    return found


@pytest.fixture
def located(
    recording: Recording,
    happens: Drawn,
    drain: Drain,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Location:
    learnt(django_capture_on_commit_callbacks, drain, lambda: label(recording, happens, 6))
    return Location.objects.get()


def test_six_labels_locate_the_event_everywhere_else(
    recording: Recording, happens: Drawn, located: Location
) -> None:
    found = probabilities.locate(recording, EVENT)
    told = np.array(found.probabilities, float)
    assert len(told) == recording.duration_s
    unlabelled = np.ones(recording.duration_s, bool)
    for one in labels.standing(recording=recording):
        unlabelled[one.start_s : one.end_s] = False
    # One second in six holds the event here, so the seconds taken for its absence often do, and
    # what is told is far better than what can be measured with so few labels.
    elsewhere = measure(told[unlabelled], happens[unlabelled])
    assert elsewhere.average_precision > 0.9
    assert elsewhere.balanced_accuracy > 0.8
    assert found.quality
    assert found.quality.average_precision < elsewhere.average_precision
    assert found.quality.balanced_accuracy > 0.9
    assert found.quality.moments == 6
    assert found.examples == 6
    starts = {start for start, _ in runs(happens)}
    assert len({one.start for one in found.intervals} & starts) > 0.8 * len(starts)
    for run in found.intervals:
        assert run.start <= run.peak < run.end
        assert run.score == max(p for p in found.probabilities[run.start : run.end] if p)
    assert locator.LOWER_BOUND in found.notes


def test_it_is_located_in_every_recording_of_the_camera_and_in_new_footage_at_once(
    recording: Recording, located: Location
) -> None:
    other = add_footage(clips=600, seed=9)
    found = {one.recording: one for one in probabilities.locate_everywhere(recording.camera, EVENT)}
    assert set(found) == {recording, other}
    truth = kinds(other, seed=9) == KIND
    told = np.array(found[other].probabilities, float)
    assert measure(told, truth).average_precision > 0.9
    with pytest.raises(EventError, match="no event named horn"):
        list(probabilities.locate_everywhere(recording.camera, "horn"))


def test_proposals_are_unlabelled_and_a_minute_apart(
    recording: Recording, located: Location
) -> None:
    seconds = sorted(second for _, second, _ in located.proposals)
    assert seconds
    assert min(np.diff(seconds), default=99) > 60
    for one in labels.standing(recording=recording):
        assert all(abs(second - one.start_s) > 60 for second in seconds)


def test_below_five_labels_a_sentence_says_how_many_are_missing(
    recording: Recording,
    happens: Drawn,
    drain: Drain,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    learnt(django_capture_on_commit_callbacks, drain, lambda: label(recording, happens, 4))
    with pytest.raises(EventError, match=r"siren has 4 labels .* so 1 more is needed\."):
        probabilities.locate(recording, EVENT)
    assert not Job.objects.filter(kind=Job.Kind.LOCATE).exists()
    with pytest.raises(EventError, match="no event named horn; there are: siren"):
        probabilities.locate(recording, "horn")


def test_labels_within_a_minute_or_two_are_too_few_to_tell_how_well(
    recording: Recording,
    drain: Drain,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def act() -> None:
        for second in range(100, 150, 10):
            labels.make(recording, EVENT, second, second + 1)

    learnt(django_capture_on_commit_callbacks, drain, act)
    found = probabilities.locate(recording, EVENT)
    assert found.quality is None
    assert any("cannot be told" in note for note in found.notes)


def test_a_label_more_has_it_learnt_again_and_fewer_drop_it(
    recording: Recording,
    happens: Drawn,
    located: Location,
    drain: Drain,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    capture = django_capture_on_commit_callbacks
    before = located.file
    elsewhere = int(np.flatnonzero(~happens)[0])
    learnt(capture, drain, lambda: labels.make(recording, f"not {EVENT}", elsewhere, elsewhere + 1))
    located.refresh_from_db()
    after = located.file
    assert after != before
    assert not absolute(before).exists()
    assert located.quality["examples"] == 7

    change = learnt(capture, drain, lambda: labels.delete(list(labels.standing(event=EVENT)[:3])))
    located.refresh_from_db()
    assert (located.file, located.basis, located.quality) == ("", "", {})
    assert not absolute(after).exists()
    learnt(capture, drain, lambda: labels.undo(change))
    located.refresh_from_db()
    assert located.file


def test_what_changes_while_it_is_learnt_is_learnt_after_it(
    recording: Recording, happens: Drawn, located: Location
) -> None:
    label_one = labels.standing(recording=recording)[0]
    labels.delete([label_one])
    job = locations.request(located)
    assert job
    labels.make(recording, f"not {EVENT}", 0, 1)
    assert locations.request(located) == job
    ingest.run_job(job.pk)
    located.refresh_from_db()
    assert located.job is None
    assert located.quality["examples"] == 6
    assert locations.request(located) is None


def test_an_event_that_was_deleted_meanwhile_publishes_nothing(
    recording: Recording, located: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels.make(recording, f"not {EVENT}", 0, 1)
    job = locations.request(located)
    assert job
    real = locator._learnt

    def meanwhile(seconds: Any) -> Any:
        labels.delete_event(recording.camera, EVENT)
        return real(seconds)

    monkeypatch.setattr(locator, "_learnt", meanwhile)
    before = set(garbage())
    ingest.run_job(job.pk)
    assert not Location.objects.exists()
    assert not Job.objects.filter(pk=job.pk).exists()
    # Its file goes once the deletion is certain, which a test's own transaction never is.
    assert set(garbage()) - before == {absolute(located.file)}


def test_another_encoder_has_it_learnt_again(
    recording: Recording, located: Location, drain: Drain
) -> None:
    camera = Camera.objects.get(pk=recording.camera_id)
    first = camera.encoder
    assert first
    again = Encoder.objects.get(pk=first.pk)
    again.pk, again.version = None, camera.next_version()
    again.save()
    registry.activate(again)
    drain()  # what follows from a switch is found by the sweep
    drain()
    located.refresh_from_db()
    camera.refresh_from_db()
    assert located.encoder == camera.encoder
    assert located.encoder != first
    assert probabilities.locate(recording, EVENT).quality


def test_it_is_told_by_sound_alone_where_that_is_asked_for(
    recording: Recording, happens: Drawn, located: Location, drain: Drain
) -> None:
    locations.tell_by(located, "audio")
    meanwhile = probabilities.locate(recording, EVENT)
    assert "What is shown was learnt before that." in meanwhile.notes[0]
    drain()
    found = probabilities.locate(recording, EVENT)
    assert found.location.quality["with"] == "audio"
    told = measure(np.array(found.probabilities, float), happens)
    assert told.average_precision > 0.8
    assert told.balanced_accuracy > 0.7
    with pytest.raises(EventError, match="joint, video or audio"):
        locations.tell_by(located, "smell")


def test_a_camera_without_sound_is_told_by_picture(
    drain: Drain, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    recording = add_footage("Silent", clips=900, audio=False, seed=5)

    def act() -> None:
        for second in range(50, 800, 120):
            labels.make(recording, EVENT, second, second + 2)

    learnt(django_capture_on_commit_callbacks, drain, act)
    found = probabilities.locate(recording, EVENT)
    assert None not in found.probabilities
    with pytest.raises(EventError, match="has no sound to tell an event by"):
        locations.tell_by(found.location, "audio")


def test_all_footage_labelled_is_said_in_a_sentence(
    drain: Drain, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    recording = add_footage(clips=300)

    def act() -> None:
        for start in range(0, 300, 60):
            labels.make(recording, EVENT, start, start + 60)

    learnt(django_capture_on_commit_callbacks, drain, act)
    with pytest.raises(EventError, match="no second without it"):
        probabilities.locate(recording, EVENT)
    location = Location.objects.get()
    assert locations.state(location) == Work.State.FAILED
    assert locations.request(location) is None


def test_a_damaged_layer_is_an_alarm_and_is_made_anew(
    recording: Recording, located: Location, drain: Drain
) -> None:
    probabilities._layer.cache_clear()
    absolute(located.file).write_bytes(b"not a layer")
    report = verify(repair=True)
    assert [p for p in report.problems if p.startswith("What was learnt of siren")]
    with pytest.raises(EventError, match="is damaged; it is being learnt again"):
        probabilities.locate(recording, EVENT)
    drain()
    assert probabilities.locate(recording, EVENT).quality
    assert verify().ok


def test_other_events_and_contradictions_count_as_they_should(
    recording: Recording, located: Location
) -> None:
    from indexing.encoders import snapshots

    labels.make(recording, "horn", 10, 20)
    labels.make(recording, EVENT, 15, 25)
    labels.make(recording, f"not {EVENT}", 24, 26)
    assert recording.camera.encoder
    snapshot = snapshots.current(recording.camera.encoder)
    rows = np.argsort(snapshot.second)
    said = samples.labelled(snapshot, rows, located)
    assert said[8:28].tolist() == [0] * 2 + [-1] * 5 + [1] * 9 + [-1] * 2 + [0] * 2


def test_the_command_learns_waits_and_answers(
    recording: Recording,
    happens: Drawn,
    drain: Drain,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from contextlib import contextmanager

    from indexing.management.commands import locate as command

    @contextmanager
    def attended() -> Any:
        yield drain  # the worker, in this process: only here is the test's transaction seen

    monkeypatch.setattr(command, "attended", attended)
    label(recording, happens, 6)
    call_command("locate", str(recording.pk), EVENT, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["event"] == EVENT
    assert len(found["probabilities"]) == recording.duration_s
    assert set(found["intervals"][0]) == {"start", "end", "peak", "score"}
    assert found["quality"]["examples"] == 6
    assert 0 < found["quality"]["average_precision"] <= 1
    call_command("locate", str(recording.pk), EVENT)
    shown = capsys.readouterr()
    assert "learnt from 6 labels; average precision" in shown.out
    assert locator.LOWER_BOUND in shown.err
    with pytest.raises(SystemExit):
        call_command("locate", str(recording.pk), "horn")
    assert "no event named horn" in capsys.readouterr().err


def test_a_quality_is_kept_with_its_row() -> None:
    assert locator.measured(Quality(0.5, 0.75, 4), 6, "audio") == {
        "average_precision": 0.5,
        "balanced_accuracy": 0.75,
        "moments": 4,
        "examples": 6,
        "with": "audio",
    }
