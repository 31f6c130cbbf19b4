"""How much footage a camera has, without looking at every chunk of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db.models.signals import post_init

from indexing.encoders import material
from indexing.models import Camera, Chunk, Recording, Work

pytestmark = pytest.mark.django_db

START = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)


def record(camera: Camera, begin_s: float, chunks: list[tuple[int, int]]) -> Recording:
    """Add a recording with described chunks of (start, clips)."""
    recording = Recording.objects.create(
        camera=camera,
        name="yard.mp4",
        sha256=f"{Recording.objects.count()}",
        size=1,
        start=START + timedelta(seconds=begin_s),
        state=Recording.State.READY,
    )
    Chunk.objects.bulk_create(
        Chunk(recording=recording, start_s=s, clips=n, state=Work.State.DONE) for s, n in chunks
    )
    return recording


@contextmanager
def counting_chunks() -> Iterator[list[object]]:
    """Give the list of chunks that are read from the database meanwhile."""
    made: list[object] = []

    def note(instance: object, **_: object) -> None:
        made.append(instance)

    post_init.connect(note, sender=Chunk)
    try:
        yield made
    finally:
        post_init.disconnect(note, sender=Chunk)


@pytest.fixture
def camera() -> Camera:
    return Camera.objects.create(name="Yard")


@pytest.mark.parametrize("seed", range(8))
def test_clips_are_those_of_the_chunks_that_do_not_overlap(camera: Camera, seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(6):
        there = [s for s in range(0, 600, 60) if random.random() < 0.5]
        record(camera, float(random.integers(0, 4000)) + 0.4, [(s, 60) for s in there])
    chunks = material.without_overlaps(material.described(camera))
    assert material.clips_without_overlaps(camera) == material.clips_of(chunks)


def test_no_chunk_is_read_where_nothing_overlaps(camera: Camera) -> None:
    record(camera, 0, [(60 * n, 60) for n in range(30)])
    record(camera, 1800, [(60 * n, 60) for n in range(30)])
    with counting_chunks() as read:
        assert material.clips_without_overlaps(camera) == 3600
    assert read == []


def test_of_recordings_that_overlap_only_their_own_chunks_are_read(camera: Camera) -> None:
    record(camera, 0, [(60 * n, 60) for n in range(30)])
    record(camera, 3600, [(0, 60), (60, 60)])
    record(camera, 3690, [(0, 60)])
    with counting_chunks() as read:
        assert material.clips_without_overlaps(camera) == 1920
    assert len(read) == 3


def test_what_is_not_described_yet_does_not_count(camera: Camera) -> None:
    assert material.clips_without_overlaps(camera) == 0
    recording = record(camera, 0, [(0, 60), (60, 60)])
    recording.chunks.filter(start_s=60).update(state=Work.State.WAITING)
    assert material.clips_without_overlaps(camera) == 60
