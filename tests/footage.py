"""Footage made without decoding: real rows and files of features drawn from events that recur."""

import hashlib
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from indexing import ingest
from indexing.files import absolute, publish
from indexing.footage import features as kept
from indexing.footage.features import Features
from indexing.footage.intake import free_start
from indexing.models import Camera, Chunk, Recording
from indexing.work import jobs
from ml.foreground import FOREGROUND_DIM
from ml.preprocess import MEL_BINS, MEL_FRAMES
from ml.soundstats import SOUND_DIM

TRUNK = "x3d-m random (seed 0)"
CHUNK = 60
KINDS = 6
LASTING_S = 6

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Looks:
    """What each kind of event looks and sounds like: one row a kind, the first being nothing."""

    foreground: Floats
    sound: Floats
    trunk: Floats
    mel: Floats

    @classmethod
    def draw(cls) -> "Looks":
        noise = np.random.default_rng(0)

        def kinds(*shape: int) -> Floats:
            drawn = noise.normal(size=(KINDS, *shape)).astype(np.float32)
            drawn[0] = 0
            return drawn

        return cls(
            kinds(FOREGROUND_DIM), kinds(SOUND_DIM), kinds(2, 432), 6 * kinds(MEL_BINS, MEL_FRAMES)
        )


def drawn_features(
    clips: int, noise: np.random.Generator, *, video: bool, audio: bool, varied: bool
) -> Features:
    """Draw the features of a chunk: events at random, or without variety nothing at all."""
    looks = Looks.draw()
    kind = np.repeat(noise.integers(0, KINDS, clips), LASTING_S)[:clips]
    kind = kind if varied else np.zeros(clips, np.int64)

    def seen(rows: Floats, here: bool) -> Floats:
        spread = 0.3 if varied else 0.0
        found = rows[kind] + spread * noise.normal(size=(clips, *rows.shape[1:]))
        return (found if here else 0 * found).astype(np.float32)

    return Features(
        foreground=seen(looks.foreground, video),
        sound=seen(looks.sound, audio),
        trunk=seen(looks.trunk, video),
        mel=seen(looks.mel, audio),
        has_video=np.full(clips, video),
        has_audio=np.full(clips, audio),
    )


def add_footage(
    camera: str = "North gate",
    clips: int = 660,
    *,
    video: bool = True,
    audio: bool = True,
    varied: bool = True,
    trunk: str = TRUNK,
    seed: int = 0,
) -> Recording:
    """Add a recording that is ready, embedded by its camera's encoder, as an ingest leaves it."""
    noise = np.random.default_rng(seed)
    owner, _ = Camera.objects.get_or_create(name=camera)
    name = f"{camera}-{seed}-{clips}.mp4"
    path = absolute(f"originals/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    recording = Recording.objects.create(
        camera=owner,
        name=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        size=len(name),
        original=f"originals/{name}",
        playable=f"originals/{name}",
        start=free_start(owner),
        duration_s=clips,
        media={"gaps": [], "video": {} if video else None, "audio": {} if audio else None},
        state=Recording.State.INGESTING,
    )
    for start, length in ingest.plan(clips):
        add_chunk(
            recording,
            start,
            drawn_features(length, noise, video=video, audio=audio, varied=varied),
            trunk,
        )
    ingest.close(recording)
    recording.refresh_from_db()
    return recording


def add_chunk(recording: Recording, start: int, features: Features, trunk: str = TRUNK) -> Chunk:
    """Publish a chunk of these features, as a worker does."""
    chunk, _ = Chunk.objects.get_or_create(
        recording=recording, start_s=start, defaults={"clips": len(features)}
    )
    claimed = jobs.claim(Chunk, chunk.pk)
    assert claimed is not None
    file = publish(
        f"features/{recording.pk}", ".safetensors", lambda path: kept.save(features, path)
    )
    columns: dict[str, object] = {
        "features": file.file,
        "features_size": file.size,
        "features_sha256": file.sha256,
        "trunk": trunk,
    }
    with transaction.atomic():
        published = ingest.publish_chunk(claimed, features, columns)
    assert published
    chunk.refresh_from_db()
    return chunk
