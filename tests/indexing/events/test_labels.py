"""Labels: made, changed, taken back; as tables that go out and come in, whole or not at all."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from indexing.events import label_tables, labels
from indexing.events.label_tables import export_audacity, export_csv, import_audacity, import_csv
from indexing.events.labels import LabelError
from indexing.models import Camera, Label, LabelChange, Location, Recording
from tests.footage import add_footage

pytestmark = pytest.mark.django_db

Place = tuple[str, int, int]


@pytest.fixture
def recording() -> Recording:
    return add_footage(clips=120)


def stand(recording: Recording) -> list[Place]:
    found = labels.standing(recording=recording)
    return [(label.name, label.start_s, label.end_s) for label in found]


def table(*rows: tuple[object, ...], header: str = "recording,event,start_s,end_s,note") -> bytes:
    out = StringIO()
    out.write(f"{header}\n")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def test_a_label_says_what_happens_and_who_said_so(recording: Recording) -> None:
    label = labels.make(recording, "  police   siren ", 3, 7, note=" loud ", made_by="ann")
    assert (label.event, label.start_s, label.end_s) == ("police siren", 3, 7)
    assert (label.note, label.made_by, label.absent) == ("loud", "ann", False)
    no = labels.make(recording, "Not police siren", 8, 9)
    assert (no.event, no.absent, no.name) == ("police siren", True, "not police siren")
    assert Location.objects.get().event == "police siren"


@pytest.mark.parametrize(
    ("name", "start", "end", "reason"),
    [
        ("siren", 5, 5, "ends after it starts, but 5 to 5 does not"),
        ("siren", -1, 5, "ends after it starts"),
        ("siren", 5, 4, "ends after it starts"),
        ("siren", 100, 121, "has 120 seconds, so a label cannot end at 121"),
        ("  ", 0, 1, "no name"),
        ("not", 0, 1, "no name"),
        ("not  ", 0, 1, "no name"),
        ("x" * 101, 0, 1, "longer than 100"),
        ("a\u200bb", 0, 1, "cannot be seen"),
    ],
)
def test_what_makes_no_sense_is_refused(
    recording: Recording, name: str, start: int, end: int, reason: str
) -> None:
    with pytest.raises(LabelError, match=reason):
        labels.make(recording, name, start, end)
    assert not Label.objects.exists()
    assert not LabelChange.objects.exists()


def test_recordings_without_seconds_are_not_labelled(recording: Recording) -> None:
    recording.duration_s = 0
    with pytest.raises(LabelError, match="still being read"):
        labels.make(recording, "siren", 0, 1)
    recording.state = Recording.State.REFUSED
    with pytest.raises(LabelError, match="was refused"):
        labels.make(recording, "siren", 0, 1)


def test_every_change_can_be_taken_back(recording: Recording) -> None:
    label = labels.make(recording, "siren", 3, 7, made_by="ann")
    edited = labels.edit(label, name="horn", start_s=4, end_s=8, note="", made_by="bob")
    assert edited.made_by == "ann"
    assert stand(recording) == [("horn", 4, 8)]
    with pytest.raises(LabelError, match="changed or deleted meanwhile"):
        labels.delete([label])
    with pytest.raises(LabelError, match="changed since"):
        labels.undo(label.began)
    change = labels.delete([edited], made_by="bob")
    assert change.made_by == "bob"
    assert stand(recording) == []

    labels.undo(change)
    assert stand(recording) == [("horn", 4, 8)]
    labels.undo(edited.began)
    assert stand(recording) == [("siren", 3, 7)]
    labels.undo(label.began)
    assert not Label.objects.exists()


def test_the_same_label_is_made_once(recording: Recording) -> None:
    labels.make(recording, "siren", 3, 7)
    with pytest.raises(LabelError, match="already"):
        labels.make(recording, "siren", 3, 7)
    other = labels.make(recording, "siren", 9, 10)
    with pytest.raises(LabelError, match="already"):
        labels.edit(other, name="siren", start_s=3, end_s=7, note="")
    assert len(stand(recording)) == 2


def test_events_are_renamed_merged_and_deleted_and_all_that_is_undone(
    recording: Recording,
) -> None:
    camera = recording.camera
    labels.make(recording, "siren", 3, 7, made_by="ann")
    labels.make(recording, "not siren", 10, 11)
    labels.make(recording, "ambulance", 3, 7)
    labels.make(recording, "ambulance", 50, 55)
    before = stand(recording)

    merged = labels.rename(camera, "siren", "ambulance")
    assert stand(recording) == [("ambulance", 3, 7), ("not ambulance", 10, 11), before[-1]]
    assert [location.event for location in camera.locations.all()] == ["ambulance"]
    deleted = labels.delete_event(camera, "ambulance")
    assert stand(recording) == []
    assert not camera.locations.exists()

    assert deleted
    assert merged
    labels.undo(deleted)
    labels.undo(merged)
    assert sorted(stand(recording)) == sorted(before)
    assert labels.standing(camera=camera, event="siren")[0].made_by == "ann"
    assert {location.event for location in camera.locations.all()} == {"ambulance", "siren"}

    assert labels.rename(camera, "siren", "wail")
    assert {location.event for location in camera.locations.all()} == {"ambulance", "wail"}
    with pytest.raises(LabelError, match="called wail already"):
        labels.rename(camera, "wail", " wail ")
    with pytest.raises(LabelError, match="cannot begin with"):
        labels.rename(camera, "wail", "not wail")


def test_a_table_goes_out_and_comes_in_the_same(recording: Recording) -> None:
    odd = ["=1+1", "@x", "'tis", "-5", "+a,b", 'a "b"; c', "ünïcode 漢字", "'=x"]
    for number, text in enumerate(odd):
        labels.make(recording, text, number, number + 2, note=f"{text}\nsecond line")
    labels.make(recording, "not siren", 50, 60)
    before = [*stand(recording), *labels.standing().values_list("note", flat=True)]
    text = export_csv(labels.standing())
    for row in csv.reader(StringIO(text)):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)

    Label.objects.all().delete()
    found = import_csv(text.encode(), name="labels.csv", made_by="ann")
    assert (found.labels, found.known) == (9, 0)
    assert [*stand(recording), *labels.standing().values_list("note", flat=True)] == before
    again = import_csv(text.encode(), name="labels.csv")
    assert (again.labels, again.known, again.changes) == (0, 9, ())
    labels.undo(found.changes[0])
    assert stand(recording) == []


def test_spreadsheets_are_read_as_they_write(recording: Recording) -> None:
    text = (
        f"\ufeffEvent;Recording;end_s;start_s\r\nhorn;{recording.name};0:01:05;0:01:00\r\n;;;\r\n"
    )
    import_csv(text.encode(), name="horns.csv")
    assert stand(recording) == [("horn", 60, 65)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("{id}", "siren", 5, 5, ""), "Row 3 of l.csv: A label ends after it starts"),
        (("{id}", "siren", 5, 500, ""), "Row 3 of l.csv: .*120 seconds"),
        (("{id}", "", 5, 6, ""), "Row 3 of l.csv: The event has no name"),
        (("{id}", "siren", "five", 6, ""), "Row 3 of l.csv: In start_s, 'five' is not a second"),
        (("{id}", "siren", 5), "Row 3 of l.csv: In end_s"),
        (("{id}", "siren", 5, 6, "", "x"), "Row 3 of l.csv: It has 6 cells"),
        ((999999, "siren", 5, 6, ""), "Row 3 of l.csv: There is no recording 999999"),
        (("", "siren", 5, 6, ""), "Row 3 of l.csv: There is no recording without a name"),
        (("9" * 400, "siren", 5, 6, ""), "Row 3 of l.csv: There is no recording 999"),
    ],
)
def test_one_bad_row_refuses_the_whole_table(
    recording: Recording, row: tuple[Any, ...], reason: str
) -> None:
    rows: list[tuple[object, ...]] = [(recording.pk, "siren", 1, 2, "")]
    rows.append(tuple(str(cell).replace("{id}", str(recording.pk)) for cell in row))
    with pytest.raises(LabelError, match=reason):
        import_csv(table(*rows), name="l.csv")
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "has no column recording"),
        (b"recording,event,start_s\n", "has no column end_s"),
        (b"recording,event,start_s,end_s\n", "holds no labels"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"recording,event,start_s,end_s\na\x00b,siren,1,2\n", "not text in UTF-8"),
        (b'recording,event,start_s,end_s\n1,"siren,2,3\n', "is no CSV"),
        (b"x" * (label_tables.MOST_BYTES + 1), "larger than 10 MiB"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        import_csv(data, name="l.csv")


def test_a_name_that_two_recordings_have_is_refused(recording: Recording) -> None:
    other = add_footage("South gate", clips=60, seed=1)
    Recording.objects.filter(pk=other.pk).update(name=recording.name)
    with pytest.raises(LabelError, match="several recordings named"):
        import_csv(table((recording.name, "siren", 1, 2, "")), name="l.csv")


def test_labels_of_several_cameras_come_in_together_or_not_at_all(recording: Recording) -> None:
    other = add_footage("South gate", clips=60, seed=1)
    rows = [(recording.pk, "siren", 1, 2, ""), (other.pk, "siren", 1, 2, "")]
    with pytest.raises(LabelError, match="Row 4"):
        import_csv(table(*rows, (other.pk, "siren", 59, 61, "")), name="l.csv")
    assert not Label.objects.exists()
    found = import_csv(table(*rows), name="l.csv")
    assert found.labels == 2
    assert {change.camera for change in found.changes} == set(Camera.objects.all())


def test_an_audacity_label_track_goes_out_and_comes_in(recording: Recording) -> None:
    text = "1.250000\t2.500000\tsiren\r\n\\\t100.0\t2000.0\r\n7,0\t7,0\tnot siren\n\n"
    import_audacity(text.encode(), recording, name="track.txt")
    assert stand(recording) == [("siren", 1, 3), ("not siren", 7, 8)]
    out = export_audacity(labels.standing(recording=recording))
    assert out == "1.000000\t3.000000\tsiren\n7.000000\t8.000000\tnot siren\n"
    again = import_audacity(out.encode(), recording, name="track.txt")
    assert (again.labels, again.known) == (0, 2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1.0 2.0 siren", "Line 2 of t.txt: It is not start, end and label"),
        ("one\t2\tsiren", "Line 2 of t.txt: 'one' is not a time"),
        ("-1\t2\tsiren", "Line 2 of t.txt: '-1' is not a time"),
        ("nan\t2\tsiren", "Line 2 of t.txt: 'nan' is not a time"),
        ("1\t2\t", "Line 2 of t.txt: The event has no name"),
        ("1\t200\tsiren", "Line 2 of t.txt: .*120 seconds"),
    ],
)
def test_one_bad_line_refuses_the_whole_track(recording: Recording, line: str, reason: str) -> None:
    with pytest.raises(LabelError, match=reason):
        import_audacity(f"1\t2\tsiren\n{line}\n".encode(), recording, name="t.txt")
    assert not Label.objects.exists()


def say(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command(*arguments)
    return capsys.readouterr().out


def test_the_commands_label_import_and_export(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(recording.pk)
    made = json.loads(
        say(capsys, "label", number, "siren", "0:00:05", "9", "--note", "loud", "--json")
    )
    assert made.pop("label")
    assert made == {
        "recording": recording.pk,
        "event": "siren",
        "start_s": 5,
        "end_s": 9,
        "note": "loud",
    }
    text = say(capsys, "labels", "export")
    assert text.splitlines() == ["recording,event,start_s,end_s,note", f"{number},siren,5,9,loud"]
    rows = json.loads(say(capsys, "labels", "export", "--event", "siren", "--json"))["labels"]
    assert [row["start_s"] for row in rows] == [5]
    path = tmp_path / "l.csv"
    path.write_bytes(table((number, "siren", 5, 9, ""), (number, "horn", 1, 2, "")))
    counts = json.loads(say(capsys, "labels", "import", str(path), "--json"))
    assert counts == {"imported": 1, "known": 1}
    track = say(capsys, "labels", "export", "--audacity", "--recording", number)
    assert track == "1.000000\t2.000000\thorn\n5.000000\t9.000000\tsiren\n"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("label", "999999", "siren", "1", "2"), 1, "There is no recording 999999."),
        (("label", "{id}", "siren", "2", "2"), 1, "A label ends after it starts"),
        (("labels", "import", "/nowhere.csv"), 1, "There is no file /nowhere.csv."),
        (("labels", "export", "--audacity"), 2, "belongs to one recording"),
        (("labels", "export", "--recording", "999999"), 1, "There is no recording 999999."),
    ],
)
def test_the_commands_fail_with_a_sentence(
    recording: Recording,
    arguments: tuple[str, ...],
    status: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as failed:
        call_command(*(each.replace("{id}", str(recording.pk)) for each in arguments))
    assert failed.value.code == status
    assert sentence in capsys.readouterr().err


def test_a_second_that_is_none_is_a_bad_argument(recording: Recording) -> None:
    with pytest.raises(CommandError, match="is not a second"):
        call_command("label", str(recording.pk), "siren", "soon", "9")
