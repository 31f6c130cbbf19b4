"""The way of a program through every desk: what the pages do, as JSON."""

from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from indexing.models import Camera, Encoder, Label, Location, Recording, Training
from indexing.search.query import SearchQuery
from indexing.search.ranking import search
from tests.searchapp.api.conftest import Caller
from tests.searchapp.conftest import Footage

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(footage: Footage) -> Recording:
    return footage(seconds=600)


def ask(recording: Recording, **more: object) -> dict[str, Any]:
    return {"recording": recording.pk, "second": 40, "exclusion": 10, "k": 5, **more}


def test_a_search_gives_the_hits_of_the_page(program: Caller, recording: Recording) -> None:
    found = program.post("/search", ask(recording, weight=0.25))
    wanted = search(SearchQuery(recording.pk, 40, k=5, exclusion_s=10, audio_weight=0.25))
    assert [(h["rank"], h["second"], h["distance"]) for h in found["hits"]] == [
        (h.rank, h.second, h.distance) for h in wanted.hits
    ]
    first = found["hits"][0]
    assert datetime.fromisoformat(first["at"]) == wanted.hits[0].at
    assert first["suppressed"] == len(wanted.hits[0].suppressed)
    assert found["clips_searched"] == wanted.clips_searched
    again = program.post("/search", found["query"])  # what came back can be sent again
    assert again["hits"] == found["hits"]


def test_judged_hits_and_further_clips_change_the_ranking(
    program: Caller, recording: Recording
) -> None:
    plain = program.post("/search", ask(recording))
    assert plain["hits"][0]["chance"] is None
    seconds = [hit["second"] for hit in plain["hits"]]
    marked = {"this": [f"{recording.pk}:{seconds[1]}"], "not": [f"{recording.pk}:{seconds[0]}"]}
    judged = program.post("/search", ask(recording, **marked))
    assert seconds[0] not in [hit["second"] for hit in judged["hits"]]
    assert 0 <= judged["hits"][0]["chance"] <= 1
    several = program.post("/search", ask(recording, also=[f"{recording.pk}:0:05:00"]))
    assert several["query"]["also"] == [f"{recording.pk}:300"]
    assert any("The query is 2 moments" in note for note in several["notes"])
    early = {
        "since": "2026-07-01T12:01:00",
        "until": "2026-07-01T12:02:00",
    }  # on the camera's clock
    narrow = program.post("/search", ask(recording, **early))
    assert {hit["second"] // 60 for hit in narrow["hits"]} == {1}


def test_it_counts_by_day_and_hour(program: Caller, recording: Recording) -> None:
    found = program.post("/search/recurrence", ask(recording))
    assert (found["total"], found["complete"], found["earlier"]) == (5, True, 0)
    assert [(day["day"], day["count"]) for day in found["days"]] == [("2026-07-01", 5)]
    assert found["days"][0]["hours"][12] == found["hours"][12] == 5
    assert found["cameras"] == [{"camera": "North gate", "count": 5}]
    every = program.post("/search/recurrence", ask(recording, near=1))
    assert every["total"] == 60


def test_what_was_marked_becomes_an_event(program: Caller, recording: Recording) -> None:
    data = ask(
        recording, event="bus", this=[f"{recording.pk}:100"], **{"not": [f"{recording.pk}:9"]}
    )
    made = program.post("/search/event", data, status=201)
    assert (made["event"], made["present"], made["absent"], made["state"]) == ("bus", 2, 1, "few")
    assert "3 more are needed" in made["sentence"]


def test_labels_are_made_changed_deleted_and_taken_back(
    program: Caller, recording: Recording
) -> None:
    path = f"/recordings/{recording.pk}/labels"
    made = program.post(path, {"event": "siren", "start": 5, "end": 9, "note": "far"}, status=201)
    assert (made["event"], made["absent"], made["made_by"]) == (
        "siren", False, program.user.username,
    )  # fmt: skip
    refused = program.post(path, {"event": "siren", "start": 9, "end": 5}, status=422)
    assert refused["error"] == "A label ends after it starts, but 9 to 5 does not."
    changed = program.send(
        "PUT", f"/labels/{made['id']}", {"event": "not siren", "start": 5, "end": 8}
    )
    assert (changed["absent"], changed["end"]) == (True, 8)
    program.get(f"/labels/{made['id']}", status=404)
    change = program.send("DELETE", f"/labels/{changed['id']}")
    assert program.get("/labels?event=siren")["count"] == 0
    assert program.get("/label-changes?camera=North%20gate")["items"][0]["id"] == change["id"]
    program.post(f"/label-changes/{change['id']}/undo", status=204)
    assert program.get(f"/labels?recording={recording.pk}")["items"] == [changed]


def test_labels_come_and_go_as_tables(program: Caller, recording: Recording) -> None:
    head = {"Authorization": f"Bearer {program.secret}"}
    table = f"recording,event,start_s,end_s,note\n{recording.pk},siren,5,9,\n"

    def send(text: str, **more: object) -> Any:
        file = SimpleUploadedFile("labels.csv", text.encode())
        return program.client.post("/api/v1/label-table", {"file": file, **more}, headers=head)

    assert send(table).json()["labels"] == 1
    track = send("10.0\t12.5\thorn\n", recording=recording.pk)
    assert (track.status_code, track.json()["labels"]) == (201, 1)
    wrong = send(table.replace("5,9", "9,5"))
    assert (wrong.status_code, wrong.json()["error"][:20]) == (422, "Row 2 of labels.csv:")
    assert program.client.post("/api/v1/label-table", {}, headers=head).status_code == 422
    found = program("GET", "/label-table?event=siren")
    assert found["Content-Type"].startswith("text/csv")
    assert found.text.replace("\r\n", "\n") == table
    form = program("GET", f"/label-table?form=audacity&recording={recording.pk}&event=horn")
    assert form.text == "10.000000\t13.000000\thorn\n"
    assert program("GET", "/label-table?form=audacity").status_code == 422
    assert Label.objects.count() == 2


def test_an_event_is_made_renamed_told_otherwise_and_deleted(
    program: Caller, recording: Recording
) -> None:
    made = program.post(f"/cameras/{recording.camera_id}/events", {"name": "siren"}, status=201)
    path = f"/events/{made['id']}"
    changed = program.send("PATCH", path, {"name": "horn", "with": "audio"})
    assert (changed["event"], changed["told_by"]) == ("horn", "audio")
    assert program.get("/events?camera=North%20gate")["items"] == [changed]
    said = program.get(f"{path}/recordings/{recording.pk}", status=422)
    assert said["error"].startswith("horn has no labels at North gate")
    assert program.send("DELETE", path) is None
    assert not Location.objects.exists()


def test_a_located_event_tells_every_second(program: Caller, everything: Recording) -> None:
    event = program.get("/events?camera=north")["items"][0]
    assert (event["state"], event["present"]) == ("located", 6)
    found = program.get(f"/events/{event['id']}/recordings/{everything.pk}")
    assert len(found["probabilities"]) == 360
    assert all(0 <= each <= 1 for each in found["probabilities"])
    proposals = program.get(f"/events/{event['id']}/proposals")["items"]
    assert proposals[0]["recording"] in Recording.objects.values_list("pk", flat=True)
    program.get(f"/events/{event['id']}/elsewhere")
    other = Recording.objects.get(camera__name="south")
    said = program.get(f"/events/{event['id']}/recordings/{other.pk}", status=422)
    assert said["error"].endswith("is not of north, whose event this is.")


def test_unusual_moments_are_listed_judged_and_taken_back(
    program: Caller, street: Recording
) -> None:
    camera = f"/cameras/{street.camera_id}"
    summary = program.get(f"{camera}/anomalies")
    assert (summary["open"], summary["reviewed"], summary["hidden"]) == (3, 0, 0)
    assert summary["threshold"] == pytest.approx(summary["mean"] + 3 * summary["std"])
    peaks = program.get(f"{camera}/anomalies/peaks?order=oldest")["items"]
    assert [peak["peak"] for peak in peaks] == [100, 200, 300]
    assert peaks[1]["because"] == ["audio"]
    said = {"recording": street.pk, "second": 100, "verdict": "confirmed", "note": "A dog."}
    made = program.post(f"{camera}/reviews", {**said, "event": "dog"}, status=201)
    assert (made["verdict"], made["note"], made["peak"]) == ("confirmed", "A dog.", 100)
    assert program.get("/labels?event=dog")["count"] == 1
    judged = program.get(f"{camera}/anomalies/peaks?show=reviewed")["items"]
    assert [peak["review"] for peak in judged] == [made]
    unsure = program.post(f"{camera}/reviews", {**said, "verdict": "unsure"}, status=201)
    assert program.get(f"{camera}/reviews")["items"] == [unsure]
    program.send("DELETE", f"/reviews/{unsure['id']}", status=204)
    assert program.get(f"{camera}/anomalies")["open"] == 3
    none = program.post(f"{camera}/reviews", {**said, "second": 7}, status=422)
    assert none["error"].startswith("This moment is no peak any more")


def test_scores_come_at_a_resolution(program: Caller, street: Recording) -> None:
    camera = f"/cameras/{street.camera_id}"
    found = program.get(f"{camera}/anomalies/curve?bins=20")
    assert len(found["scores"]) == len(found["levels_db"]) <= 20
    every = program.get(f"/recordings/{street.pk}/anomalies?sigma=2")
    assert len(every["scores"]) == 360
    top = max(score for score in every["scores"] if score is not None)
    assert max(s for s in found["scores"] if s is not None) == pytest.approx(top, abs=1e-3)
    assert {peak["peak"] for peak in every["peaks"]} >= {100, 200, 300}
    wrong = program.get(f"{camera}/anomalies/curve?since=2027-01-01&until=2026-01-01", status=422)
    assert wrong["error"] == "The time range ends before it starts."
    program.get(f"{camera}/anomalies?sigma=0", status=422)


def test_a_search_is_saved_replayed_and_stands(program: Caller, recording: Recording) -> None:
    data = {"name": "The pink bus", "query": ask(recording)}
    made = program.post("/saved-searches", data, status=201)
    assert (made["hits"], made["standing"]) == (5, None)
    taken = program.post("/saved-searches", data, status=422)
    assert taken["error"].startswith("A search called The pink bus is saved already")
    path = f"/saved-searches/{made['id']}"
    replay = program.get(f"{path}/replay")
    assert (replay["same"], replay["changes"], replay["problem"]) == (True, [], "")
    assert [row["now"]["rank"] for row in replay["rows"]] == [1, 2, 3, 4, 5]
    assert replay["rows"][0]["then"] == replay["rows"][0]["now"]
    assert program.get(f"{path}/past?threshold=90")["clips"] == 579
    stood = program.send("PUT", f"{path}/standing", {"threshold": 99, "cool_down_s": 60})
    assert stood["standing"]["threshold"] == 99
    assert len(stood["secret"]) == 64
    assert "secret" not in program.get(path)
    wrong = program.send("PUT", f"{path}/standing", {"webhook": "ftp://x"}, status=422)
    assert wrong["error"] == "Write an address that begins with https:// or http://."
    assert program.send("PATCH", path, {"name": "The bus"})["name"] == "The bus"
    program.send("DELETE", f"{path}/standing", status=204)
    assert program.get(path)["standing"] is None
    program.send("DELETE", path, status=204)
    program.get(path, status=404)


def test_notifications_are_read(program: Caller, everything: Recording) -> None:
    found = program.get("/notifications?unread=true")["items"]
    assert [each["name"] for each in found] == ["The pink bus"]
    assert program.post("/notifications/read", {"notifications": [found[0]["id"]]}) == {"read": 1}
    assert program.get("/notifications?unread=true")["count"] == 0
    assert program.get("/notifications")["items"][0]["read_at"]


def test_moments_are_kept_in_order_removed_and_put_back(
    program: Caller, recording: Recording
) -> None:
    kept = program.post("/bookmarks", {"recording": recording.pk, "second": 7}, status=201)
    program.send("DELETE", f"/bookmarks/{kept['id']}", status=204)
    assert program.get("/bookmarks")["count"] == 0
    assert program.post(f"/bookmarks/{kept['id']}/restore") == kept
    case = program.post("/cases", {"title": "The bus", "note": "For the court"}, status=201)
    path = f"/cases/{case['id']}"
    hit = {"kind": "hit", "scores": {"distance": 0.25}}
    for start in (40, 60, 80):
        data = {"recording": recording.pk, "start": start, "end": start + 3, **hit}
        moment = program.post(f"{path}/moments", data, status=201)
    assert moment["scores"] == {"distance": 0.25}
    assert moment["source"]["name"] == "street.mp4"
    program.send("PATCH", f"/moments/{moment['id']}", {"move": "up", "note": "It turns."})
    program.send("DELETE", f"/moments/{moment['id']}", status=204)
    assert [each["start"] for each in program.get(f"{path}/moments")["items"]] == [40, 60]
    program.post(f"/moments/{moment['id']}/restore")
    found = program.get(f"{path}/moments")["items"]
    assert [(each["start"], each["note"]) for each in found] == [
        (40, ""), (80, "It turns."), (60, ""),
    ]  # fmt: skip
    changed = program.send("PATCH", path, {"title": "The pink bus"})
    assert (changed["title"], changed["note"], changed["moments"]) == (
        "The pink bus", "For the court", 3,
    )  # fmt: skip
    program.send("DELETE", path, status=204)


def test_evidence_is_asked_for_and_downloaded(program: Caller, everything: Recording) -> None:
    done = program.get("/exports")["items"][0]
    answer = program("GET", f"/exports/{done['id']}/file")
    assert done["file"] == f"/api/v1/exports/{done['id']}/file"
    assert answer["Content-Type"] == "application/zip"
    assert b"".join(answer.streaming_content) == b"PK"
    wrong = {"start": 5, "end": 4}
    said = program.post(f"/recordings/{everything.pk}/exports", wrong, status=422)
    assert said["error"].endswith("has no such seconds.")
    empty = program.post("/cases", {"title": "Empty"}, status=201)
    said = program.post(f"/cases/{empty['id']}/exports", {}, status=422)
    assert said["error"] == "There is no moment to export; collect one first."


def test_encoders_are_listed_compared_and_put_in_use(
    program: Caller, chief: Caller, recording: Recording
) -> None:
    camera = Camera.objects.get()
    own = Encoder.objects.get()
    listed = program.get("/encoders?camera=North%20gate")["items"]
    assert [(each["id"], each["in_use"]) for each in listed] == [(own.pk, True)]
    found = program.get(f"/encoders/{own.pk}")
    assert (found["version"], found["metrics"], found["curves"]) == (1, {}, [])
    pair = {"left": own.pk, "right": own.pk, "query": ask(recording)}
    compared = program.post("/encoder-comparison", pair)
    assert compared["hits"]["shared"] == 5
    assert compared["hits"]["left"] == compared["hits"]["right"]
    said = program.post(f"/encoders/{own.pk}/activate", status=422)
    assert "is damaged or missing" in said["error"]
    assert camera.encoder == own
    said = chief.send("DELETE", f"/encoders/{own.pk}", status=422)
    assert "is in use at North gate" in said["error"]


def test_a_training_is_begun_paused_resumed_and_cancelled(
    program: Caller, street: Recording
) -> None:
    path = f"/cameras/{street.camera_id}/trainings"
    begun = program.post(path, {"epochs": 2, "seed": 7, "activate": False}, status=202)
    assert (begun["state"], begun["epochs_planned"], begun["seed"]) == ("running", 2, 7)
    assert begun["requested_by"] == program.user.username
    second = program.post(path, {}, status=422)
    assert "has a training that is running already" in second["error"]
    here = f"/trainings/{begun['id']}"
    assert program.post(f"{here}/pause")["state"] == "paused"
    assert program.post(f"{here}/resume")["state"] == "running"
    found = program.get(here)
    assert [stage["name"] for stage in found["stages"]] == ["Training"]
    assert program.post(f"{here}/cancel")["state"] == "cancelled"
    assert "so that cannot be done" in program.post(f"{here}/pause", status=422)["error"]
    assert program.get("/trainings?camera=north")["items"][0]["id"] == begun["id"]
    assert Training.objects.get().state == "cancelled"


def test_an_admin_changes_and_deletes(chief: Caller, recording: Recording) -> None:
    camera = f"/cameras/{recording.camera_id}"
    assert chief.send("PATCH", camera, {"zone": "UTC"})["zone"] == "UTC"
    said = chief.send("PATCH", camera, {"zone": "Mars"}, status=422)
    assert said["error"] == "'Mars' is not a time zone; write one like Europe/Brussels."
    assert chief.get(camera)["zone"] == "UTC"
    assert chief.post(f"/recordings/{recording.pk}/retry") == {"pieces": 0}
    spans = chief.get(f"/recordings/{recording.pk}/coverage")["items"]
    assert spans == [{"start": 0, "end": 600, "state": "searchable", "reason": ""}]
    chief.send("DELETE", f"/recordings/{recording.pk}", status=204)
    chief.get(f"/recordings/{recording.pk}", status=404)
