"""Rankings by several examples and by judged hits equal a float64 oracle too (rule 5)."""

import numpy as np
import pytest
from numpy.typing import NDArray

from indexing.vectors.exact import Ranking
from indexing.vectors.examples import Example
from indexing.vectors.fields import Field, Probe, rank_fields
from indexing.vectors.shards import Embeddings
from indexing.vectors.snapshot import Place, Snapshot
from ml.distance import eq5
from ml.feedback import ORDINARY, Near, log_odds_against

CLIPS = 1800
ASKED, THIS, NOT_THIS = (40, 700), (90, 1200), (300, 301, 950)
AUDIO_WEIGHT = 0.3

Doubles = NDArray[np.float64]


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """A stream of one camera that drifts, with copies, and gaps in picture and in sound."""
    rng = np.random.default_rng(5)
    video, audio = (
        np.asarray(np.cumsum(rng.standard_normal((CLIPS, width)), axis=0) / 30, np.float32)
        for width in (12, 7)
    )
    video[1000:1020], audio[1000:1020] = video[90], audio[90]
    has_video, has_audio = rng.random(CLIPS) > 0.1, rng.random(CLIPS) > 0.2
    has_video[[*ASKED, *THIS]] = has_audio[[*ASKED, *NOT_THIS]] = True
    has_audio[THIS[1]] = False
    made = Embeddings(video, audio, has_video, has_audio)
    return Snapshot.empty(12, 7).extended([(Place(1, "north", 0, 0), made)])


def probes(snapshot: Snapshot, rows: tuple[int, ...]) -> list[Probe]:
    return [
        Probe(
            snapshot.video.rows[row] if snapshot.has_video[row] else None,
            snapshot.audio.rows[row] if snapshot.has_audio[row] else None,
        )
        for row in rows
    ]


def field(snapshot: Snapshot, this: tuple[int, ...] = (), not_this: tuple[int, ...] = ()) -> Field:
    eligible = np.ones(CLIPS, bool)
    eligible[list(not_this)] = False
    return Field(
        snapshot,
        "joint",
        AUDIO_WEIGHT,
        probes(snapshot, ASKED),
        eligible,
        [("north", row) for row in (*ASKED, *this)],
        this=probes(snapshot, this),
        not_this=probes(snapshot, not_this),
    )


def plain(snapshot: Snapshot, rows: tuple[int, ...]) -> Doubles:
    """Joint distances of all clips to some (r, n), infinite where nothing can be compared."""
    found = np.full((len(rows), CLIPS), np.inf)
    for i, row in enumerate(rows):
        for clip in range(CLIPS):
            total = weight = 0.0
            for z, has, share in (
                (snapshot.video.rows, snapshot.has_video, 1 - AUDIO_WEIGHT),
                (snapshot.audio.rows, snapshot.has_audio, AUDIO_WEIGHT),
            ):
                if has[row] and has[clip]:
                    total += share * float(eq5(z[row], z[clip]))
                    weight += share
            if weight:
                found[i, clip] = total / weight
    return found


def in_order(scores: Doubles, eligible: NDArray[np.bool_]) -> list[int]:
    rows = [row for row in range(CLIPS) if eligible[row] and np.isfinite(scores[row])]
    return sorted(rows, key=lambda row: (scores[row], row))


def test_several_clips_rank_by_their_mean_distance(snapshot: Snapshot) -> None:
    asked = field(snapshot)
    mean = plain(snapshot, ASKED).mean(axis=0)

    ranked = list(asked.ranking())

    assert [one.row for one in ranked] == in_order(mean, asked.eligible)
    np.testing.assert_allclose([one.distance for one in ranked], mean[[r.row for r in ranked]])


def typical(distances: Doubles) -> Doubles:
    """The median distance to a thousand clips, evenly spread."""
    medians = []
    for row in distances:
        known = np.flatnonzero(np.isfinite(row))
        spread = np.linspace(0, len(known) - 1, 1000).round().astype(int)
        medians.append(np.median(row[known[spread]]))
    return np.array(medians)


def test_judged_hits_rank_by_the_odds_of_all_clips(snapshot: Snapshot) -> None:
    asked = field(snapshot, THIS, NOT_THIS)
    wanted, unwanted = plain(snapshot, (*ASKED, *THIS)), plain(snapshot, NOT_THIS)
    spread = tuple(np.unique(np.linspace(0, CLIPS - 1, ORDINARY).round().astype(int)).tolist())
    near = [abs(row - other) <= 5 for row in spread for other in (*ASKED, *THIS)]
    apart = ~np.array(near).reshape(len(spread), -1).any(axis=1)
    apart &= (snapshot.has_video | snapshot.has_audio)[list(spread)]
    ordinary = plain(snapshot, tuple(np.array(spread)[apart].tolist()))
    odds = log_odds_against(*(Near(some, typical(some)) for some in (wanted, unwanted, ordinary)))
    comparable = np.isfinite(wanted[: len(ASKED)]).any(axis=0)

    ranked = list(asked.ranking())

    np.testing.assert_allclose([one.score for one in ranked], odds[[r.row for r in ranked]], 1e-9)
    assert {one.row for one in ranked} == set(np.flatnonzero(asked.eligible & comparable))
    keys = [(one.score, one.row) for one in ranked]
    assert keys == sorted(keys)


def test_bounds_hold_for_judged_hits(snapshot: Snapshot) -> None:
    ranking: Ranking = field(snapshot, THIS, NOT_THIS).ranking()
    rows = np.flatnonzero(ranking.eligible)

    scores = np.array([one.score for one in ranking.measure.measured(rows)])

    assert (ranking.bounds[rows] <= scores).all()
    assert (scores - ranking.bounds[rows]).max() < 1e-2  # tight enough to be of use


def test_nothing_is_found_around_the_query_what_was_marked_this_or_a_better_hit(
    snapshot: Snapshot,
) -> None:
    found = rank_fields([field(snapshot, THIS, NOT_THIS)], hits=12, window=30)

    taken = [*ASKED, *THIS]
    for hit in found.hits:
        row = hit.kept.hit.row
        assert all(abs(row - other) > 30 for other in taken)
        assert row not in NOT_THIS
        taken.append(row)
    assert len(found.hits) == 12


def test_a_mark_without_what_is_compared_says_nothing(snapshot: Snapshot) -> None:
    silent = Example(CLIPS, [])
    distances, by_side = silent.distances(np.arange(5))
    assert np.isposinf(distances).all()
    assert by_side == []
    assert silent.typical == 1.0
