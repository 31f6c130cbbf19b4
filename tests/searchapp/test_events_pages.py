"""The pages of events and labels: made, changed, taken back, and in and out as tables."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from indexing import ingest
from indexing.encoders import snapshots
from indexing.events import labels, locations, probabilities
from indexing.models import Job, Label, LabelChange, Location, Recording, Work
from searchapp import events as reads
from tests.searchapp.conftest import Footage

PART = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "events"}
BUTTON = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def recording(footage: Footage) -> Recording:
    return footage(seconds=600)


@pytest.fixture
def located(recording: Recording) -> Iterator[Location]:
    """An event that was learnt from six labels."""
    for second in range(50, 500, 80):
        labels.make(recording, "siren", second, second + 2, made_by="ann")
    location = Location.objects.get()
    job = locations.request(location)
    assert job
    ingest.run_job(job.pk)
    location.refresh_from_db()
    assert location.file
    yield location
    snapshots.forget()


def standing() -> list[tuple[str, int, int]]:
    return [(label.name, label.start_s, label.end_s) for label in labels.standing()]


def make(client: Client, recording: Recording, event: str = "siren", **more: object) -> str:
    data = {"event": event, "start": "0:01:05", "end": 70}
    address = reverse("make-label", args=[recording.pk])
    return client.post(address, data, **more).content.decode()  # type: ignore[arg-type]


def test_without_a_role_nothing_is_seen_or_labelled(
    nobody: Client, recording: Recording, located: Location
) -> None:
    label = labels.standing()[0]
    for name, pk in (
        ("event", located.pk),
        ("label-desk", recording.pk),
        ("label", label.pk),
        ("delete-event", located.pk),
    ):
        assert nobody.get(reverse(name, args=[pk])).status_code == 404, name
    for name, pk in (
        ("make-label", recording.pk),
        ("delete-label", label.pk),
        ("undo-labels", label.began_id),
        ("rename-event", located.pk),
        ("tell-event", located.pk),
        ("learn-event", located.pk),
        ("create-event", recording.camera_id),
    ):
        assert nobody.post(reverse(name, args=[pk]), {}).status_code == 404, name
    assert "siren" not in nobody.get(reverse("export-labels")).content.decode()
    assert "siren" not in nobody.get(reverse("events")).content.decode()
    file = SimpleUploadedFile("l.csv", b"recording,event,start_s,end_s\n1,horn,1,2\n")
    assert nobody.post(reverse("import-labels"), {"file": file}).status_code == 403


def test_a_label_is_made_on_the_recording_and_its_event_remembered(
    operator: Client, recording: Recording
) -> None:
    part = make(operator, recording, **PART)
    assert standing() == [("siren", 65, 70)]
    assert Label.objects.get().made_by == "operators"
    assert "siren has 1 label at North gate; it can be located from 5 on" in part
    assert "siren was labelled." in part
    again = operator.get(reverse("label-desk", args=[recording.pk])).content.decode()
    assert 'value="siren"' in again
    assert "0:01:05–0:01:10" in again


def test_what_is_wrong_with_a_label_is_said_where_it_was_made(
    operator: Client, recording: Recording
) -> None:
    address = reverse("make-label", args=[recording.pk])
    for data, sentence in (
        ({"event": "siren", "start": "5", "end": "5"}, "A label ends after it starts"),
        ({"event": "", "start": "5", "end": "6"}, "Write which event these seconds hold"),
        ({"event": "siren", "start": "soon", "end": "6"}, "is not a second"),
        ({"event": "siren", "start": "5", "end": "601"}, "has 600 seconds"),
    ):
        for headers in (PART, BUTTON):
            answer = operator.post(address, data, **headers)  # type: ignore[arg-type]
            assert answer.status_code == 422
            assert sentence in answer.content.decode()
        page = operator.post(address, data, follow=True).content.decode()
        assert sentence in page
    assert not Label.objects.exists()


def test_a_hit_is_labelled_in_place_and_that_is_undone(
    operator: Client, recording: Recording
) -> None:
    page = operator.get(reverse("search"), {"recording": recording.pk, "second": 5})
    assert "Label this" in page.content.decode()
    said = make(operator, recording, **BUTTON)
    undo = re.search(r'hx-post="(/changes/\d+/undo)"', said)
    assert undo
    assert "siren" in said
    taken = operator.post(undo[1], **BUTTON)  # type: ignore[arg-type]
    assert "Taken back." in taken.content.decode()
    assert taken.headers["HX-Trigger"] == "labelled"
    assert standing() == []
    assert operator.post(undo[1]).status_code == 404


def test_a_label_is_edited_and_deleted_and_taken_back(
    operator: Client, recording: Recording
) -> None:
    make(operator, recording)
    label = labels.standing()[0]
    address = reverse("label", args=[label.pk])
    assert "0:01:05" in operator.get(address).content.decode()
    wrong = operator.post(address, {"event": "siren", "start": "9", "end": "8", "note": ""})
    assert wrong.status_code == 422
    assert "A label ends after it starts" in wrong.content.decode()
    operator.post(address, {"event": "not horn", "start": "7", "end": "8", "note": "quiet"})
    assert standing() == [("not horn", 7, 8)]
    assert operator.get(address).status_code == 404

    edited = labels.standing()[0]
    part = operator.post(reverse("delete-label", args=[edited.pk]), **PART)  # type: ignore[arg-type]
    assert standing() == []
    assert "The label not horn was deleted." in part.content.decode()
    change = LabelChange.objects.first()
    assert change
    back = operator.post(
        reverse("undo-labels", args=[change.pk]),
        {"recording": recording.pk},
        **PART,  # type: ignore[arg-type]
    )
    assert "0:00:07–0:00:08" in back.content.decode()
    first = LabelChange.objects.last()
    assert first
    late = operator.post(reverse("undo-labels", args=[first.pk]), follow=True)
    assert "have been changed since; undo that first" in late.content.decode()


def test_an_event_is_created_renamed_merged_and_deleted(
    operator: Client, recording: Recording, located: Location
) -> None:
    camera = recording.camera
    page = operator.post(
        reverse("create-event", args=[camera.pk]), {"name": "horn"}, follow=True
    ).content.decode()
    assert "horn has no labels at North gate" in page
    wrong = operator.post(reverse("create-event", args=[camera.pk]), {"name": " "}, follow=True)
    assert "The event has no name" in wrong.content.decode()

    operator.post(reverse("rename-event", args=[located.pk]), {"name": "wail"})
    located.refresh_from_db()
    assert located.event == "wail"
    operator.post(reverse("rename-event", args=[located.pk]), {"name": "horn"})
    assert {label.event for label in labels.standing()} == {"horn"}
    assert [location.event for location in Location.objects.all()] == ["horn"]
    horn = Location.objects.get()
    assert "6 labels" in operator.get(reverse("delete-event", args=[horn.pk])).content.decode()
    page = operator.post(reverse("delete-event", args=[horn.pk]), follow=True).content.decode()
    assert "horn was deleted with its labels." in page
    undo = re.search(r'action="(/changes/\d+/undo)"', page)
    assert undo
    operator.post(undo[1])
    assert len(standing()) == 6


def test_the_events_page_says_where_each_stands(
    operator: Client, recording: Recording, located: Location
) -> None:
    labels.make(recording, "horn", 1, 2)
    page = operator.get(reverse("events")).content.decode()
    assert "6 labels" in page
    assert "Average precision" in page
    assert "horn has 1 label at North gate; it can be located from 5 on, so 4 more are" in page
    assert 'hx-trigger="every 2s"' not in page
    labels.make(recording, "not siren", 300, 301)
    assert locations.request(located)
    page = operator.get(reverse("events")).content.decode()
    assert "siren waits for a worker to learn it." in page
    assert 'hx-trigger="every 2s"' in page
    Job.objects.filter(kind=Job.Kind.LOCATE).update(state=Work.State.FAILED, error="It broke.")
    page = operator.get(reverse("event", args=[located.pk])).content.decode()
    assert "siren could not be learnt: It broke." in page
    operator.post(reverse("learn-event", args=[located.pk]))
    located.refresh_from_db()
    assert located.job
    assert located.job.state == Work.State.WAITING
    assert operator.get(reverse("events"), {"camera": "nowhere"}).status_code == 404


def test_a_located_event_is_drawn_and_proposes_what_to_label(
    operator: Client, recording: Recording, located: Location
) -> None:
    part = operator.get(reverse("label-desk", args=[recording.pk])).content.decode()
    assert 'viewBox="0 0 600 56"' in part
    assert part.count('class="strip-label"') == 6
    found = probabilities.locate(recording, "siren")
    assert part.count('class="strip-interval"') == len(found.intervals)
    page = operator.get(reverse("event", args=[located.pk])).content.decode()
    assert page.count("data-yes") >= len(located.proposals) > 0
    number, second, _ = located.proposals[0]
    address = reverse("make-label", args=[number])
    answer = {"event": "not siren", "start": second, "end": second + 1}
    said = operator.post(address, answer, **BUTTON).content.decode()  # type: ignore[arg-type]
    assert "not siren" in said
    book = reads.Book(User.objects.get(username="operators"), located)
    assert (number, second) not in [(p.recording.pk, p.second) for p in book.proposals]


def test_a_strip_loses_no_peak(recording: Recording, located: Location) -> None:
    found = probabilities.locate(recording, "siren")
    long = (0.0,) * 50_000 + (0.9,) + (None,) * 36_399
    drawn = reads.strip(probabilities.Located(**{**vars(found), "probabilities": long}))
    assert drawn.width == 86_400
    assert drawn.path.count(f" {reads.HEIGHT * 0.1:.1f}L") == 2  # both corners of one bin
    assert len(drawn.path) < 40_000


def test_what_an_event_is_told_by_is_chosen(operator: Client, located: Location) -> None:
    operator.post(reverse("tell-event", args=[located.pk]), {"with": "audio"})
    located.refresh_from_db()
    assert located.modality == "audio"
    wrong = operator.post(reverse("tell-event", args=[located.pk]), {"with": "x"}, follow=True)
    assert "joint, video or audio, not by x" in wrong.content.decode()


def test_labels_go_out_and_come_in_as_tables(
    operator: Client, recording: Recording, footage: Footage
) -> None:
    other = footage("yard.mp4", camera="Yard", start=datetime(2026, 7, 2, tzinfo=UTC))
    labels.make(recording, "siren", 5, 9)
    labels.make(other, "horn", 1, 2)
    whole = operator.get(reverse("export-labels"))
    assert whole.headers["Content-Disposition"] == 'attachment; filename="labels.csv"'
    text = whole.content.decode()
    assert text.splitlines()[1:] == [f"{recording.pk},siren,5,9,", f"{other.pk},horn,1,2,"]
    one = operator.get(reverse("export-labels"), {"camera": "Yard"}).content.decode()
    assert "siren" not in one
    track = operator.get(
        f"{reverse('export-labels')}?recording={recording.pk}&form=audacity"
    ).content.decode()
    assert track == "5.000000\t9.000000\tsiren\n"

    Label.objects.all().delete()
    for name, body, number, sentence in (
        ("l.csv", text, "", "2 labels came from l.csv."),
        ("l.csv", text, "", "0 labels came from l.csv; 2 labels of it stood already."),
        ("t.txt", "1\t2\tbell\n", str(recording.pk), "1 label came from t.txt."),
        ("t.txt", "one\ttwo\tbell\n", str(recording.pk), "Line 1 of t.txt: "),
        ("l.csv", "recording,event\n", "", "has no column start_s"),
    ):
        file = SimpleUploadedFile(name, body.encode())
        data = {"file": file, "recording": number}
        page = operator.post(reverse("import-labels"), data, follow=True).content.decode()
        assert sentence in page
    page = operator.post(reverse("import-labels"), {}, follow=True).content.decode()
    assert "Choose a CSV file" in page
    assert len(standing()) == 3


def test_the_recording_page_asks_for_its_events(operator: Client, recording: Recording) -> None:
    page = operator.get(reverse("recording", args=[recording.pk]), {"event": "a b"})
    assert f"/recordings/{recording.pk}/events?event=a%20b" in page.content.decode()
    part = operator.get(reverse("label-desk", args=[recording.pk])).content.decode()
    assert "where the event starts" in part
