"""Something of everything that a page can show, in a running site and under accounts of its own.

What other accounts keep stays as it was; what everybody would see is taken away again.
"""

from datetime import timedelta

from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.utils import timezone

from indexing import ingest
from indexing.anomalies.camera_scores import camera_scores
from indexing.casework import cases, evidence, saved, standing
from indexing.events import labels, locations
from indexing.footage.intake import SAMPLES
from indexing.models import (
    Camera,
    Chunk,
    Delivery,
    Encoder,
    Export,
    Label,
    LabelChange,
    Location,
    Notification,
    Recording,
    SavedSearch,
    Shard,
    Training,
    Upload,
    Work,
)
from indexing.search.query import Clip, SearchQuery
from searchapp import services, tokens
from searchapp.selectors import ADMINS, ANALYSTS, OPERATORS
from tests.e2e import yard
from tests.footage import add_footage

CAMERA = "Loading bay"
ROLES = {"admin": ADMINS, "operator": OPERATORS, "analyst": ANALYSTS}


def furnish(number: int) -> dict[str, dict[str, str]]:
    """Furnish a site with one film; return passwords, and the numbers that addresses need."""
    made = {role: services.create_account(name=f"{role}-2", role=ROLES[role]) for role in ROLES}
    User.objects.create_user("guest-2", password="guest-2")
    film = Recording.objects.get(pk=number)
    bay = Recording.objects.get(pk=yard.make(CAMERA, seed=3))
    user = made["admin"][0]
    places = _events(bay) | _encoders(bay) | _kept(user, film) | _footage(user, bay)
    _judged(user, bay)
    token, _ = tokens.make(user, "Night report", ["read", "write"], days=30)
    places |= {"token": token.pk, "sample": _sample(user)}
    passwords = {name: password for name, (_, password) in made.items()}
    return {
        "passwords": passwords | {"guest": "guest-2"},
        "places": {name: str(pk) for name, pk in places.items()} | {"film": str(number)},
        "pages": {"500": render_to_string("500.html")},
    }


def clear() -> None:
    """Take away what other accounts would see come in, and what would look at their footage."""
    SavedSearch.objects.filter(user__username="admin-2").delete()
    Upload.objects.filter(user__username="admin-2").delete()
    Recording.objects.filter(camera__samples=True).delete()
    Recording.objects.filter(camera__name=CAMERA).exclude(state=Recording.State.READY).delete()


def _events(bay: Recording) -> dict[str, int]:
    """An event that is located, one with too few labels, and a change to take back."""
    for second in range(40, 560, 80):
        labels.make(bay, "lorry", second, second + 3, made_by="operator-2")
    labels.make(bay, "not lorry", 20, 24, note="A van.", made_by="operator-2")
    labels.make(bay, "siren", 30, 33, made_by="operator-2")
    location = Location.objects.get(camera=bay.camera, event="lorry")
    job = locations.request(location) or location.job
    assert job
    ingest.run_job(job.pk)
    change = LabelChange.objects.filter(camera=bay.camera).first()
    label = Label.objects.filter(recording=bay, event="lorry").first()
    assert change
    assert label
    return {"event": location.pk, "label": label.pk}


def _encoders(bay: Recording) -> dict[str, int]:
    """A second encoder with its training, and a training that pauses."""
    starter = bay.camera.encoder
    assert starter
    curves = [
        {
            "epoch": epoch,
            "stage": "both at once",
            "loss": 3 / epoch,
            "positive_rate": 0.01 * epoch,
            "alignment": 0.5 + 0.1 * epoch,
            "spread": 12.0,
            "seconds": 20.0,
            "warning": "",
        }
        for epoch in (1, 2, 3)
    ]
    checks = [
        {"name": "neighbours.video", "old": 0.5, "new": 0.6, "fine": True},
        {"name": "neighbours.audio", "old": 0.5, "new": 0.3, "fine": False},
    ]
    data = {"clips": 660, "recordings": [{"name": bay.name, "clips": 660}], "trained_on": 600}
    learnt = {"method": "consensus", "seed": 0, "curves": curves, "data": data}
    trained = Encoder.objects.get(pk=starter.pk)
    trained.pk, trained.version, trained.kind = None, starter.version + 1, Encoder.Kind.EPG
    trained.note = "It was kept out of use."
    for name, value in learnt.items():
        setattr(trained, name, value)
    trained.save()
    for shard in Shard.objects.filter(encoder=starter):
        shard.pk, shard.encoder = None, trained
        shard.save()
    both = {"camera": bay.camera, "epochs_planned": 3, "requested_by": "operator-2", **learnt}
    done = Training.objects.create(
        **both,
        state=Training.State.DONE,
        encoder=trained,
        epochs_done=3,
        settings={"temperature": 0.1},
        verdict={"checks": checks},
        sentence="It is worse at finding sounds, so the one in use stays.",
        notes=["No sound at night."],
        finished_at=timezone.now(),
    )
    paused = Training.objects.create(**both, state=Training.State.PAUSED, epochs_done=2)
    return {
        "starter": starter.pk,
        "encoder": trained.pk,
        "training": done.pk,
        "paused": paused.pk,
    }


def _kept(user: User, film: Recording) -> dict[str, int]:
    """A standing search that found something, bookmarks, a case and what was exported of it."""
    query = SearchQuery(film.pk, 20, k=5, exclusion_s=5, not_this=(Clip(film.pk, 60),))
    kept = saved.save(user, "The pink bus", query)
    standing.stand(kept, standing.Terms(webhook="https://watch.example/hook"))
    # Another answer than now: a moment that is gone, and one that is new.
    kept.hits[-1]["second"] = film.duration_s - 1
    kept.save()
    for second in (30, 40):
        found = Notification.objects.create(
            saved=kept, recording=film, second=second, at=film.at(second), distance=0.2, limit=0.3
        )
    Delivery.objects.create(
        notification=found,
        channel=Delivery.Channel.WEBHOOK,
        state=Work.State.FAILED,
        error="The webhook answered 410.",
    )
    cases.bookmark(user, film, 12, "Look again.")
    case = cases.open_case(user, "The blocked exit", "Both times on a Wednesday.")
    for second in (10, 35):
        cases.collect(case, film, second, second + 2, kind="hit", scores={"distance": 0.2})
    moments = evidence.frozen(list(cases.moments_of(case)))
    export = evidence.ask(user, case.title, moments, evidence.Options(), case=case)
    evidence.run(export.pk)
    waiting = Export.objects.create(
        user=user,
        title="Still being cut",
        moments=moments,
        options={},
        **_leased(progress=0.4),
    )
    return {"saved": kept.pk, "case": case.pk, "export": export.pk, "cutting": waiting.pk}


def _footage(user: User, bay: Recording) -> dict[str, int]:
    """Recordings that come in, were refused and are damaged, and uploads that wait for somebody."""
    common = {"camera": bay.camera, "size": 5_000_000, "original": bay.original}
    start = bay.end + timedelta(hours=2)
    coming = Recording.objects.create(
        **common,
        name="coming.mp4",
        sha256="c" * 64,
        start=start,
        duration_s=180,
        has_video=True,
        has_audio=True,
        state=Recording.State.INGESTING,
        gaps=[{"start": 65, "end": 70, "reason": "The file is damaged here."}],
    )
    Chunk.objects.create(
        recording=coming, start_s=0, clips=60, state=Work.State.FAILED, error="It cannot be read."
    )
    Chunk.objects.create(recording=coming, start_s=60, clips=60, **_leased(progress=0.5))
    Chunk.objects.create(recording=coming, start_s=120, clips=60, **_leased())
    refused = Recording.objects.create(
        **common,
        name="notes.txt",
        sha256="d" * 64,
        start=start + timedelta(hours=2),
        state=Recording.State.REFUSED,
        reason="It is not a video or a sound recording.",
    )
    told = [{"by": "name", "moment": "2026-03-14T08:15:00"}]
    arrived = {"user": user, "size": 5_000_000, "camera": CAMERA}
    Upload.objects.create(
        **arrived, name="20260314_081500.mp4", offset=5_000_000, state=Work.State.DONE, told=told
    )
    Upload.objects.create(**arrived, name="half.mp4", offset=2_000_000)
    Upload.objects.create(
        **arrived, name="letter.mp4", state=Work.State.FAILED, error="It is no recording."
    )
    return {"bay": bay.pk, "camera": bay.camera_id, "coming": coming.pk, "refused": refused.pk}


def _sample(user: User) -> int:
    """A file to search with."""
    Camera.objects.get_or_create(samples=True, defaults={"name": SAMPLES})
    sample = add_footage(SAMPLES, 20, seed=71)
    Recording.objects.filter(pk=sample.pk).update(sent_by=user, playable="", has_video=False)
    return sample.pk


def _leased(progress: float = 0.0) -> dict[str, object]:
    """What a row of work says while a worker is at it that no sweep takes it from."""
    return {
        "state": Work.State.RUNNING,
        "owner": "nobody",
        "lease_until": timezone.now() + timedelta(hours=1),
        "started_at": timezone.now() - timedelta(seconds=20),
        "progress": progress,
    }


def _judged(user: User, bay: Recording) -> None:
    """One unusual moment dismissed, so that others like it are hidden and it can be taken back."""
    camera = Camera.objects.get(pk=bay.camera_id)
    found = camera_scores(camera).peaks(1.0)[0]
    services.review(user=user, found=found, verdict="dismissed", note="A cloud.", event="")
