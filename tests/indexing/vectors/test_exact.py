"""The ranking equals a float64 oracle, whatever the index does to be fast (rule 5)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.vectors.exact import Ranking
from indexing.vectors.examples import Example, Likeness, Side, side_bounds
from indexing.vectors.exclusion import select
from indexing.vectors.shards import Embeddings
from indexing.vectors.snapshot import Place, Snapshot
from ml.distance import eq5


def made(seed: int, clips: int = 400, dimension: int = 16, copies: int = 0) -> Snapshot:
    """Two cameras with two recordings each, some clips without picture or sound."""
    rng = np.random.default_rng(seed)
    shards = []
    places = [(1, "north", 0), (2, "north", 10_000), (3, "south", 50), (4, "south", 20_000)]
    for recording, camera, at in places:
        video = rng.standard_normal((clips // 4, dimension)).astype(np.float32)
        audio = rng.standard_normal((clips // 4, dimension // 2)).astype(np.float32)
        if copies:  # exact ties, within and across cameras
            video[:copies] = np.float32(0.5)
            audio[:copies] = np.float32(-0.25)
        embeddings = Embeddings(
            video, audio, rng.random(clips // 4) > 0.1, rng.random(clips // 4) > 0.2
        )
        shards.append((Place(recording, camera, 0, at), embeddings))
    return Snapshot.empty(dimension, dimension // 2).extended(shards)


def sides(snapshot: Snapshot, row: int, weight: float = 0.5) -> list[Side]:
    """A joint query made of a clip's own vectors."""
    return [
        Side("video", snapshot.video.rows[row], snapshot.video, snapshot.has_video, 1 - weight),
        Side("audio", snapshot.audio.rows[row], snapshot.audio, snapshot.has_audio, weight),
    ]


def oracle(snapshot: Snapshot, query: list[Side], eligible: np.ndarray) -> list[tuple[float, int]]:
    """Every clip in exact order, by a plain loop in float64."""
    found = []
    for row in range(len(snapshot)):
        parts = [
            (float(eq5(side.query, side.vectors.rows[row])), side.weight)
            for side in query
            if side.present[row]
        ]
        if eligible[row] and parts:
            total = sum(weight for _, weight in parts)
            distance = sum(value * weight for value, weight in parts) / total
            camera = snapshot.cameras[snapshot.camera[row]]
            found.append((distance, camera, int(snapshot.at[row]), row))
    return [(distance, row) for distance, _, _, row in sorted(found)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weight", [0.2, 0.5])
def test_order_equals_the_oracle(seed: int, weight: float) -> None:
    snapshot = made(seed, clips=1600)
    row = int(np.flatnonzero(snapshot.has_video & snapshot.has_audio)[seed])
    query = sides(snapshot, row, weight)
    eligible = np.random.default_rng(seed).random(len(snapshot)) > 0.3

    ranked = list(Ranking(snapshot, Likeness([Example(len(snapshot), query)]), eligible))

    expected = oracle(snapshot, query, eligible)
    assert [one.row for one in ranked] == [row for _, row in expected]
    np.testing.assert_allclose(
        [one.distance for one in ranked], [distance for distance, _ in expected], rtol=1e-13
    )


def test_ties_are_broken_by_camera_then_time() -> None:
    snapshot = made(0, clips=400, copies=20)
    query = sides(snapshot, 0)
    everything = np.ones(len(snapshot), bool)

    ranked = list(Ranking(snapshot, Likeness([Example(len(snapshot), query)]), everything))[:40]

    keys = [
        (one.distance, int(snapshot.camera[one.row]), int(snapshot.at[one.row])) for one in ranked
    ]
    assert keys == sorted(keys)
    assert len({key[0] for key in keys}) < 20


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([1e-6, 1.0, 1e4]),
    nudge=st.sampled_from([0.0, 1e-7, 1e-3]),
)
def test_the_distance_lies_between_its_bounds(seed: int, scale: float, nudge: float) -> None:
    rng = np.random.default_rng(seed)
    query = (scale * rng.standard_normal(48)).astype(np.float32)
    near = query + (nudge * scale * rng.standard_normal((50, 48))).astype(np.float32)
    rows = np.concatenate([near, np.zeros((1, 48), np.float32), -near]).astype(np.float32)
    snapshot = Snapshot.empty(48, 1).extended(
        [
            (
                Place(1, "north", 0, 0),
                Embeddings(
                    rows,
                    np.zeros((len(rows), 1), np.float32),
                    np.ones(len(rows), bool),
                    np.zeros(len(rows), bool),
                ),
            )
        ]
    )
    side = Side("video", query, snapshot.video, snapshot.has_video, 1.0)

    low, high = side_bounds(side)
    assert (low <= eq5(query, rows)).all()
    assert (eq5(query, rows) <= high).all()


@pytest.mark.parametrize("window", [0, 1, 7, 60])
def test_hits_are_apart_and_none_was_skipped(window: int) -> None:
    snapshot = made(1, clips=1600)
    row = int(np.flatnonzero(snapshot.has_video & snapshot.has_audio)[0])
    query = sides(snapshot, row)
    everything = np.ones(len(snapshot), bool)
    origin = (snapshot.cameras[snapshot.camera[row]], int(snapshot.at[row]))

    chosen = select(
        Ranking(snapshot, Likeness([Example(len(snapshot), query)]), everything),
        snapshot,
        origins=[origin],
        hits=20,
        window=window,
    )

    taken: list[tuple[str, int]] = [origin]
    expected = []
    for _, candidate in oracle(snapshot, query, everything):
        place = (snapshot.cameras[snapshot.camera[candidate]], int(snapshot.at[candidate]))
        if all(place[0] != camera or abs(place[1] - at) > window for camera, at in taken):
            taken.append(place)
            expected.append(candidate)
        if len(expected) == 20:
            break
    assert [kept.hit.row for kept in chosen.hits] == expected


def test_a_hit_suppresses_within_its_window_only() -> None:
    snapshot = made(2, clips=400)
    row = int(np.flatnonzero(snapshot.has_video & snapshot.has_audio)[0])
    origin = (snapshot.cameras[snapshot.camera[row]], int(snapshot.at[row]))
    chosen = select(
        Ranking(
            snapshot,
            Likeness([Example(len(snapshot), sides(snapshot, row))]),
            np.ones(len(snapshot), bool),
        ),
        snapshot,
        origins=[origin],
        hits=12,
        window=10,
    )
    last = chosen.hits[-1].hit.distance
    suppressed = 0
    for kept in chosen.hits:
        for one in kept.suppressed:
            suppressed += 1
            assert abs(int(snapshot.at[one.row]) - int(snapshot.at[kept.hit.row])) <= 20
            assert kept.hit.distance <= one.distance <= last
    assert suppressed > 0
    assert all(abs(int(snapshot.at[one.row]) - origin[1]) <= 10 for one in chosen.around_query)


def test_fewer_hits_only_where_no_more_exist() -> None:
    snapshot = made(3, clips=400)
    row = int(np.flatnonzero(snapshot.has_video)[0])
    side = Side("video", snapshot.video.rows[row], snapshot.video, snapshot.has_video, 1.0)
    eligible = snapshot.admitted(cameras=("south",), recordings=(3,), since=60, until=65)

    chosen = select(
        Ranking(snapshot, Likeness([Example(len(snapshot), [side])]), eligible),
        snapshot,
        origins=[("north", 0)],
        hits=20,
        window=0,
    )

    assert len(chosen.hits) == int((eligible & snapshot.has_video).sum()) <= 5


def test_a_hit_knows_its_place_among_all_clips() -> None:
    snapshot = made(4, clips=400)
    row = int(np.flatnonzero(snapshot.has_video & snapshot.has_audio)[0])
    query = sides(snapshot, row)
    everything = np.ones(len(snapshot), bool)
    origin = (snapshot.cameras[snapshot.camera[row]], int(snapshot.at[row]))
    order = [found for _, found in oracle(snapshot, query, everything)]

    chosen = select(
        Ranking(snapshot, Likeness([Example(len(snapshot), query)]), everything),
        snapshot,
        origins=[origin],
        hits=5,
        window=30,
    )

    assert len(chosen.hits) == 5
    assert [order[kept.place - 1] for kept in chosen.hits] == [k.hit.row for k in chosen.hits]


def test_a_reader_keeps_its_rows_while_others_are_added() -> None:
    before = made(5, clips=400)
    rows = before.video.rows.copy()
    more = Embeddings(
        np.ones((10, 16), np.float32),
        np.ones((10, 8), np.float32),
        np.ones(10, bool),
        np.ones(10, bool),
    )

    after = before.extended([(Place(9, "east", 0, 0), more)])
    again = before.extended([(Place(8, "west", 0, 0), more)])

    assert len(after) == len(again) == len(before) + 10
    np.testing.assert_array_equal(before.video.rows, rows)
    assert after.cameras[-1] == "east"
    assert again.cameras[-1] == "west"
    assert after.row(9, 3) == len(before) + 3
    assert again.row(9, 3) is None
