"""Pictures are compared with sounds by direction, as exactly as anything else (rule 5)."""

import numpy as np
import pytest

from indexing.vectors.exact import Ranking
from indexing.vectors.fields import Field, Probe, rank_fields
from indexing.vectors.shards import Embeddings
from indexing.vectors.snapshot import Place, Snapshot
from ml.distance import directions, eq5

SHARED = 12
CLIPS = 1500
CROSSINGS = ("video-to-audio", "audio-to-video")


def embeddings(seed: int, clips: int = CLIPS) -> Embeddings:
    """Embeddings whose lengths differ widely, some of them zero, with columns of their own."""
    rng = np.random.default_rng(seed)
    lengths = rng.choice([0.0, 1.0, 30.0], size=(2, clips, 1), p=[0.1, 0.6, 0.3])
    video, audio = (
        (length * rng.standard_normal((clips, width))).astype(np.float32)
        for length, width in zip(lengths, (SHARED + 9, SHARED + 4), strict=True)
    )
    return Embeddings(video, audio, rng.random(clips) > 0.1, rng.random(clips) > 0.2)


def snapshot_of(made: Embeddings) -> Snapshot:
    """One camera's clips."""
    empty = Snapshot.empty(made.video.shape[1], made.audio.shape[1])
    return empty.extended([(Place(1, "north", 0, 0), made)])


def field_of(snapshot: Snapshot, row: int, crossing: str) -> Field:
    """A search from a clip that looks from one modality into the other."""
    probe = Probe(snapshot.video.rows[row], snapshot.audio.rows[row])
    eligible = np.random.default_rng(row).random(len(snapshot)) > 0.3
    return Field(snapshot, crossing, 0.5, [probe], eligible, [("north", row)], SHARED)


def ranked(field: Field) -> tuple[list[int], list[float]]:
    """Rows and distances in order."""
    found = list(field.ranking())
    return [one.row for one in found], [one.distance for one in found]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("crossing", CROSSINGS)
def test_order_equals_equation_5_of_the_directions(seed: int, crossing: str) -> None:
    made = embeddings(seed)
    snapshot = snapshot_of(made)
    row = int(np.flatnonzero(np.any(made.video, axis=1) & np.any(made.audio, axis=1))[seed])
    field = field_of(snapshot, row, crossing)
    mine, others = (made.video, made.audio)[:: 1 if crossing == "video-to-audio" else -1]
    present = made.has_audio if crossing == "video-to-audio" else made.has_video
    query, rows = directions(mine[row : row + 1], SHARED)[0], directions(others, SHARED)
    oracle = sorted(
        (float(eq5(query, rows[clip])), clip)
        for clip in range(CLIPS)
        if field.eligible[clip] and present[clip]
    )

    order, distances = ranked(field)

    assert order == [clip for _, clip in oracle]
    np.testing.assert_allclose(distances, [distance for distance, _ in oracle], rtol=1e-13)


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_neither_lengths_nor_columns_of_its_own_matter(crossing: str) -> None:
    made = embeddings(0)
    powers = np.random.default_rng(1).integers(-4, 5, size=(CLIPS, 1))
    video, audio = (
        (z * np.float32(2) ** powers).astype(np.float32) for z in (made.video, made.audio)
    )
    video[:, SHARED:], audio[:, SHARED:] = 5, 7
    other = Embeddings(video, audio, made.has_video, made.has_audio)

    assert ranked(field_of(snapshot_of(made), 3, crossing)) == ranked(
        field_of(snapshot_of(other), 3, crossing)
    )


def test_directions_are_made_once_a_snapshot() -> None:
    before = snapshot_of(embeddings(0, 40))
    kept = before.common("audio", SHARED)
    after = before.extended([(Place(2, "north", 0, 100), embeddings(1, 10))])

    assert before.common("audio", SHARED) is kept
    assert len(kept) == 40
    np.testing.assert_array_equal(kept.rows, directions(before.audio.rows, SHARED))
    np.testing.assert_array_equal(
        after.common("audio", SHARED).rows, directions(after.audio.rows, SHARED)
    )
    np.testing.assert_array_equal(
        after.common("video", SHARED).rows, directions(after.video.rows, SHARED)
    )


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_an_encoder_that_has_embedded_nothing_yet_finds_nothing(crossing: str) -> None:
    there = snapshot_of(embeddings(0, 40))
    nothing = Snapshot.empty(0, 0)
    probe = Probe(there.video.rows[0], there.audio.rows[0])
    field = Field(nothing, crossing, 0.5, [probe], np.zeros(0, bool), [("north", 0)], SHARED)

    assert isinstance(field.ranking(), Ranking)
    assert rank_fields([field], hits=5, window=0).hits == []
