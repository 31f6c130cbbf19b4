"""What comes in and goes out: parts of lists, and bad input that gets one sentence."""

import json

import pytest

from indexing.models import Camera, Recording
from tests.searchapp.api.conftest import Caller
from tests.searchapp.conftest import Footage

pytestmark = pytest.mark.django_db
HUGE = 10**30


def test_a_list_comes_in_parts_that_join(program: Caller) -> None:
    names = [f"camera {number}" for number in range(7)]
    Camera.objects.bulk_create(Camera(name=name) for name in reversed(names))
    found, path = [], "/cameras?limit=3"
    while path:
        part = program.get(path)
        assert part["count"] == 7
        found += [camera["name"] for camera in part["items"]]
        path = (part["next"] or "").removeprefix("/api/v1")
    assert found == names
    beyond = program.get("/cameras?offset=100")
    assert (beyond["items"], beyond["count"], beyond["next"]) == ([], 7, None)


def test_the_next_part_keeps_the_filter(program: Caller, footage: Footage) -> None:
    for number in range(3):
        footage(f"{number}.mp4", seconds=10)
    footage("other.mp4", seconds=10, camera="Yard & gate")
    part = program.get("/recordings?camera=North%20gate&state=ready&limit=2")
    rest = program.get(part["next"].removeprefix("/api/v1"))
    assert (part["count"], len(part["items"]), len(rest["items"])) == (3, 2, 1)
    assert program.get("/recordings?camera=Yard%20%26%20gate")["count"] == 1


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit: Input should be greater than or equal to 1."),
        ("limit=201", "limit: Input should be less than or equal to 200."),
        (f"offset={HUGE}", "offset: Input should be less than or equal to 2147483647."),
        ("limit=ten", "limit: Input should be a valid integer"),
        ("state=lost", "state: Input should be 'waiting', 'ingesting', 'ready' or 'refused'."),
        ("camera=%00", "camera: a zero byte cannot be kept."),
    ],
)
def test_a_part_that_makes_no_sense_is_refused(program: Caller, query: str, said: str) -> None:
    assert program.get(f"/recordings?{query}", status=422)["error"].startswith(said)


@pytest.mark.parametrize(
    "number", ["0", "-1", str(2**63), str(HUGE), "9" * 5000, "x", "1.5", "%00"]
)
def test_a_number_that_no_row_can_have_is_refused(program: Caller, number: str) -> None:
    answer = program("GET", f"/recordings/{number}")
    assert answer.status_code in (404, 422)
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"second": HUGE}, "second: Input should be less than or equal to 2147483647."),
        ({"second": -1}, "second: Input should be greater than or equal to 0."),
        ({"k": 501}, "k: Input should be less than or equal to 500."),
        ({"weight": float("nan")}, "weight: Input should be a finite number."),
        ({"weight": float("inf")}, "weight: Input should be a finite number."),
        ({"exclusion_s": 5}, "exclusion_s: Extra inputs are not permitted."),
        ({"since": "yesterday"}, "since: 'yesterday' is not a moment; write one like"),
        ({"since": "0001-01-01T00:00:00Z"}, "since: '0001-01-01T00:00:00Z' is not between"),
        ({"since": 5}, "since: a moment is written like 2026-05-04T08:30:00+02:00."),
        ({"also": ["first"]}, "also.0: 'first' is not a moment; write RECORDING:SECOND"),
        ({"also": ["999999:1"]}, "Recording 999999 is not in the library; take it out."),
        ({"this": [f"{HUGE}:1"]}, "this.0: "),
        ({"recordings": [999999]}, "Recording 999999 is not in the library; take it out."),
        ({"cameras": ["Nowhere"]}, "There is no camera named Nowhere."),
        ({"cameras": ["\x00"]}, "cameras.0: a zero byte cannot be kept."),
        ({"with": "smell"}, "with: Input should be 'joint', 'video', 'audio', 'video-to-audio'"),
        ({"second": 900}, "street.mp4 has seconds 0 to 149; second 900 is outside."),
        (
            {"since": "2026-07-02T00:00:00", "until": "2026-07-01T00:00:00"},
            "The time range ends before it starts.",
        ),
    ],
)
def test_a_search_that_makes_no_sense_gets_one_sentence(
    program: Caller, footage: Footage, change: dict[str, object], said: str
) -> None:
    query = {"recording": footage().pk, "second": 40, **change}
    found = program.post("/search", query, status=422)
    assert found["error"].startswith(said)
    assert list(found) == ["error"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"title": "\\ud800"}'],
)
def test_a_body_that_is_none_is_refused(program: Caller, body: bytes) -> None:
    answer = program.client.post(
        "/api/v1/cases",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {program.secret}"},
    )
    assert answer.status_code in (400, 422)
    assert answer.json()["error"].endswith(".")


def test_a_body_that_is_too_large_is_refused(program: Caller) -> None:
    answer = program("POST", "/cases", {"title": "a" * 3_000_000})
    assert answer.status_code == 400
    assert json.loads(answer.content)["error"]


def test_a_recording_is_told_on_its_cameras_clock(program: Caller, footage: Footage) -> None:
    recording = footage()
    found = program.get(f"/recordings/{recording.pk}")
    assert found["start"] == "2026-07-01T12:00:00+02:00"
    assert found["end"] == "2026-07-01T12:02:30+02:00"
    assert found["state"] == Recording.State.READY
    progress = program.get(f"/recordings/{recording.pk}/progress")
    assert progress["clips_searchable"] == 150
    assert progress["stages"][0]["name"] == "Embedding clips"
