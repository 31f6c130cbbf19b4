"""Accounts of every role, and a recording whose rows and files are there without an ingest."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from indexing.files import checksum
from indexing.media import thumbnails
from indexing.models import Camera, Chunk, Encoder, Recording, Shard, Work
from indexing.vectors import shards
from searchapp import services

CHUNK = 50
START = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)

Footage = Callable[..., Recording]


@pytest.fixture(autouse=True)
def _quick(settings: Settings) -> None:
    """Hash passwords quickly, and give WhiteNoise the folder that collectstatic would make."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


def signed_in(role: str | None) -> Client:
    if role is None:
        user = User.objects.create_user("nobody", password="x")
    else:
        user, _ = services.create_account(name=role, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(db: None) -> Client:
    return signed_in("admins")


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in("operators")


@pytest.fixture
def nobody(db: None) -> Client:
    """An account without any role."""
    return signed_in(None)


@pytest.fixture
def footage(db: None) -> Footage:
    """Return a function that makes a searchable recording with random embeddings."""

    def make(
        name: str = "street.mp4",
        *,
        seconds: int = 150,
        camera: str = "North gate",
        audio: bool = True,
        state: str = Recording.State.READY,
        start: datetime = START,
    ) -> Recording:
        owner, _ = Camera.objects.get_or_create(name=camera, defaults={"zone": "Europe/Brussels"})
        body = f"{camera} {name}".encode() * 100
        path = settings.REPRISE_DATA / f"originals/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        recording = Recording.objects.create(
            camera=owner,
            name=name,
            sha256=hashlib.sha256(body).hexdigest(),
            size=len(body),
            original=f"originals/{name}",
            playable=f"originals/{name}",
            start=start,
            start_known=True,
            state=state,
            duration_s=seconds,
            has_video=True,
            has_audio=audio,
        )
        for first in range(0, seconds, CHUNK):
            _chunk(recording, _encoder(owner), first, min(CHUNK, seconds - first), audio)
        recording.camera.refresh_from_db()
        return recording

    return make


def _encoder(camera: Camera) -> Encoder:
    encoder, made = Encoder.objects.get_or_create(
        camera=camera,
        version=1,
        defaults={
            "state": Encoder.State.BUILT,
            "trunk": "none",
            "file": "none",
            "size": 0,
            "sha256": "",
            "has_video": True,
            "has_audio": True,
        },
    )
    if made:
        camera.encoder = encoder
        camera.save()
    return encoder


def _chunk(recording: Recording, encoder: Encoder, first: int, clips: int, audio: bool) -> None:
    folder = settings.REPRISE_DATA / "tests"
    folder.mkdir(exist_ok=True)
    stem = f"tests/{recording.pk}-{first}"
    pictures = {
        first + i: thumbnails.jpeg(np.full((18, 32, 3), (first + i) % 256, np.uint8))
        for i in range(clips)
    }
    thumbnails.pack(settings.REPRISE_DATA / f"{stem}.zip", pictures)
    chunk = Chunk.objects.create(
        recording=recording,
        start_s=first,
        clips=clips,
        state=Work.State.DONE,
        thumbnails=f"{stem}.zip",
    )
    # By what is in it and not by its number, which depends on the tests that came before.
    random = np.random.default_rng([int(recording.sha256[:8], 16), first])
    present = np.ones(clips, np.bool_)
    path = settings.REPRISE_DATA / f"{stem}.safetensors"
    sound = random.normal(size=(clips, 6)).astype(np.float32) * audio
    picture = random.normal(size=(clips, 4)).astype(np.float32)
    shards.save(shards.Embeddings(picture, sound, present, present & audio), path)
    Shard.objects.create(
        chunk=chunk,
        encoder=encoder,
        clips=clips,
        file=f"{stem}.safetensors",
        size=path.stat().st_size,
        sha256=checksum(path),
    )
