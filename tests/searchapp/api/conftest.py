"""Callers with tokens of every role, and an installation that has one of everything."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from indexing import ingest
from indexing.anomalies.camera_scores import camera_scores
from indexing.casework import cases, evidence, saved, standing
from indexing.events import labels, locations
from indexing.files import publish
from indexing.learning import training
from indexing.media.info import AudioStream, MediaInfo
from indexing.models import (
    Camera,
    Encoder,
    Export,
    Notification,
    Recording,
    Training,
)
from indexing.search.query import SearchQuery
from searchapp import services, tokens
from searchapp.models import Scope
from tests.footage import add_footage
from tests.indexing.anomalies.test_anomalies import plant

EVERYTHING = tuple(Scope.values)


@dataclass
class Caller:
    """A program with a token."""

    user: User
    secret: str
    client: Client = field(default_factory=Client)

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        """Call an address below /api/v1 and return the answer."""
        return self.client.generic(
            method,
            f"/api/v1{path}",
            b"" if data is None else json.dumps(data),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}", **headers},
        )

    def get(self, path: str, status: int = 200) -> Any:
        """Return the JSON at an address."""
        return self._read(self("GET", path), status)

    def post(self, path: str, data: Any = None, status: int = 200) -> Any:
        """Send JSON to an address and return what comes back."""
        return self._read(self("POST", path, data), status)

    def send(self, method: str, path: str, data: Any = None, status: int = 200) -> Any:
        """Call an address by any other method."""
        return self._read(self(method, path, data), status)

    def _read(self, answer: Any, status: int) -> Any:
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


def caller(role: str | None, *scopes: str) -> Caller:
    name = f"{role}-{'-'.join(scopes) or 'all'}"
    if role:
        user, _ = services.create_account(name=name, role=role)
    else:
        user = User.objects.create_user(name)
    _, secret = tokens.make(user, "tests", scopes or EVERYTHING)
    return Caller(user, secret)


@pytest.fixture
def program(db: None) -> Caller:
    """A program of an operator that may do all that operators may."""
    return caller("operators")


@pytest.fixture
def chief(db: None) -> Caller:
    """A program of an admin."""
    return caller("admins")


@pytest.fixture
def street(db: None) -> Recording:
    """Eleven minutes of a camera, with three strange moments in the last six."""
    add_footage("north", 300, seed=1)
    recording = add_footage("north", 360, seed=2)
    plant(recording, 100, "foreground")
    plant(recording, 200, "sound")
    plant(recording, 300, "foreground")
    return recording


@pytest.fixture
def everything(program: Caller, street: Recording) -> Recording:
    """An account's work of every kind on that street."""
    user, camera = program.user, Camera.objects.get(name="north")
    for second in range(20, 340, 60):
        labels.make(street, "siren", second, second + 2, made_by=user.username)
    job = locations.request(camera.locations.get())
    assert job
    ingest.run_job(job.pk)
    _judge(user, camera)
    _keep(user, street)
    _train(camera)
    add_footage("south", 60, seed=3)
    Recording.objects.create(
        camera=camera,
        name="broken.mp4",
        sha256="0" * 64,
        size=1,
        start=street.start,
        state=Recording.State.REFUSED,
        reason="It holds neither picture nor sound.",
    )
    # As of files with sound alone, so that evidence is planned without reading them.
    sound = AudioStream(0, "aac", 44_100, 1, 0.0, 360.0)
    heard = MediaInfo("mp4", 360, 0.0, None, sound, (), browser_playable=True)
    Recording.objects.update(media=heard.to_json())
    return street


def _judge(user: User, camera: Camera) -> None:
    found = camera_scores(camera).peaks(3.0)
    assert found
    services.review(user=user, found=found[0], verdict="dismissed", note="A dog.", event="")


def _keep(user: User, recording: Recording) -> None:
    kept = saved.save(user, "The pink bus", SearchQuery(recording.pk, 40, k=3, exclusion_s=10))
    standing.stand(kept, standing.Terms())
    Notification.objects.create(
        saved=kept, recording=recording, second=90, at=recording.at(90), distance=0.1, limit=0.2
    )
    cases.bookmark(user, recording, 7, "Look again.")
    case = cases.open_case(user, "The blocked exit")
    for second in (40, 90):
        cases.collect(case, recording, second, second + 3, scores={"distance": 0.25})
    made = publish("exports", ".zip", lambda path: path.write_bytes(b"PK") and None)
    Export.objects.create(
        user=user,
        case=case,
        title=case.title,
        moments=evidence.frozen(list(case.moments.all())),
        options={},
        state=Export.State.DONE,
        file=made.file,
        size=made.size,
        sha256=made.sha256,
    )


def _train(camera: Camera) -> None:
    begun = training.start(camera, epochs=2)
    training.pause(begun)
    Training.objects.create(
        camera=camera, method="consensus", epochs_planned=2, state=Training.State.CANCELLED
    )
    Encoder.objects.create(
        camera=camera,
        kind=Encoder.Kind.EPG,
        version=camera.next_version(),
        state=Encoder.State.RETIRED,
        method="consensus",
        size=0,
    )
