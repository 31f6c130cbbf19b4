"""What can be measured of an encoder on held-back footage, mostly without labels. numpy only.

Retrieval of a neighbouring second shows that an encoder holds moments together; hits by picture
that also sound alike, judged by a yardstick of their own, show that it finds more than it
memorised; collapse shows in spread and duplicates. `ml.gate` decides by these.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.corpus import Corpus
from ml.distance import directions, weight_of_sound
from ml.localization import joint_rows
from ml.locating import Seconds, quality, sample
from ml.retrieval import (
    EXCLUSION_S,
    Footage,
    Mode,
    distances_from,
    eq5_matrix,
    evaluate,
    ranking,
)
from ml.salience import Salience
from ml.spread import effective_rank
from ml.starter import Description, Pair, StarterEncoder

# With less there is hardly anything a minute away from anything.
LEAST_CLIPS = 120
# How far a neighbouring second lies: nearer ones are mixed into the sound's description itself.
NEIGHBOURS_S = (3, 4)
# Searches are made from the moments that stand out, as people's are, at most this many.
QUERIES = 300
QUERY_SHARE = 0.25
# The same share of the seconds by how far they stand out.
STANDS_OUT = 1 - QUERY_SHARE
HITS = 5
# An event is located by what was labelled over a minute apart, so often at least.
LEAST_MOMENTS = 5
ANCHOR = np.float32(2.0)
# Nearer than this part of the median distance, two moments cannot be told apart.
DUPLICATE = 1e-3

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
Labels = Sequence[AbstractSet[str]]


@dataclass(frozen=True)
class Measures:
    """What was measured of one encoder on held-back footage; by mode, empty where impossible."""

    clips: int
    # Chance that a second a few seconds away is nearer than one over a minute away.
    neighbours: dict[str, float] = field(default_factory=dict)
    # Chance that a hit by picture sounds nearer than any other second, and the other way round.
    agreement: dict[str, float] = field(default_factory=dict)
    # Chance that a second's own sound is nearer to its picture than another sound, and back.
    crossing: float | None = None
    rank: dict[str, float] = field(default_factory=dict)  # effective rank
    shared_rank: float | None = None  # of the shared columns, of the modality that has less
    duplicates: dict[str, float] = field(default_factory=dict)
    positive_rate: float | None = None  # of its last epoch
    truth: dict[str, float] = field(default_factory=dict)  # mAP@20 where there are labels
    # Average precision of events located by labels left out, where those are enough to tell.
    location: dict[str, float] = field(default_factory=dict)


def measure(
    corpus: Corpus,
    z_v: Floats,
    z_a: Floats,
    shared: int,
    *,
    novelty: Pair | None = None,
    labels: Labels | None = None,
    positive_rate: float | None = None,
) -> Measures:
    """Measure an encoder by its embeddings z_v (n, Dv), z_a (n, Da) of held-back footage.

    `novelty` (n,), (n,) is what the encoder tells of it, by which joint searches are weighed.
    `shared` leading columns of both can be compared; `labels` are the kinds of events of each
    clip, where people or a benchmark have given any. Raises ValueError for embeddings that are no
    numbers or of another number of clips.
    """
    if not (len(z_v) == len(z_a) == len(corpus)):
        raise ValueError("The embeddings and the footage are of different numbers of clips.")
    if not (np.isfinite(z_v).all() and np.isfinite(z_a).all()):
        raise ValueError("The embeddings hold values that are no numbers.")
    if len(corpus) < LEAST_CLIPS:
        return Measures(len(corpus), positive_rate=positive_rate)
    place = _places(corpus)
    footage = _footage(corpus, place, z_v, z_a, shared, labels)
    if novelty is not None:
        weight = weight_of_sound(*novelty)
        footage = replace(footage, audio_weight=_on_line(place, weight))
    described = _described(corpus)
    seen, heard = (_on_line(place, rows) for rows in described.embedded)
    alike: dict[Mode, Floats] = {"video": seen, "audio": heard}
    standing = _standing(corpus, place, described.plain)
    queries = _queries(standing)
    parts = {"video": (z_v, corpus.has_video), "audio": (z_a, corpus.has_audio)}
    joint = queries.get("joint", [])
    return Measures(
        len(corpus),
        neighbours={m: _neighbours(footage, q, m, standing[m]) for m, q in queries.items()},
        agreement=_agreement(footage, joint, alike) if joint else {},
        crossing=_crossing(footage, joint) if shared and joint else None,
        rank={m: effective_rank(z[has]) for m, (z, has) in parts.items() if has.any()},
        shared_rank=_shared_rank(parts.values(), shared),
        duplicates={m: _duplicates(footage, q, m) for m, q in queries.items() if m != "joint"},
        positive_rate=positive_rate,
        truth=_truth(footage, list(queries)) if labels is not None else {},
        location=_location(corpus, z_v, z_a, labels) if labels is not None else {},
    )


def _places(corpus: Corpus) -> Places:
    """Put each clip on a line of seconds on which long pauses last just over two minutes."""
    steps = np.clip(np.diff(corpus.at), 1, 2 * EXCLUSION_S + 1)
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)


def _on_line(place: Places, rows: NDArray[Any]) -> NDArray[Any]:
    line = np.zeros((int(place[-1]) + 1, *rows.shape[1:]), rows.dtype)
    line[place] = rows
    return line


def _footage(
    corpus: Corpus,
    place: Places,
    z_v: Floats,
    z_a: Floats,
    shared: int,
    labels: Labels | None,
) -> Footage:
    kinds: list[AbstractSet[str]] = [frozenset()] * (int(place[-1]) + 1)
    for second, some in zip(place, labels or (), strict=labels is not None):
        kinds[second] = some
    columns = (z_v, z_a, corpus.has_video, corpus.has_audio)
    seen, heard, has_video, has_audio = (_on_line(place, column) for column in columns)
    return Footage(seen, heard, has_video, has_audio, kinds, shared=shared)


def _described(corpus: Corpus) -> Description:
    """Describe picture and sound without any training: neither encoder's own view."""
    masks = {"has_video": corpus.has_video, "has_audio": corpus.has_audio}
    starter = StarterEncoder.fit(corpus.foreground, corpus.sound, None, **masks)
    return starter.describe(corpus.foreground, corpus.sound, None, **masks)


def _standing(corpus: Corpus, place: Places, plain: Pair) -> dict[Mode, Doubles]:
    """How far each second stands out, 0 to 1, -inf where it cannot be told: by no encoder.

    A joint search is for what stands out in picture or sound.
    """
    seen, heard = plain
    # One constant coordinate more: without it the cosine in Eq. 5 compares directions of noise in
    # ordinary pictures, with it they all look alike until something stands out.
    seen = np.concatenate([seen, np.full((len(seen), 1), ANCHOR)], axis=1)
    standing: dict[Mode, Doubles] = {}
    sides: tuple[tuple[Mode, Floats, Mask], ...] = (
        ("video", seen, corpus.has_video),
        ("audio", heard, corpus.has_audio),
    )
    for mode, rows, present in sides:
        line = np.full(int(place[-1]) + 1, -np.inf)
        if present.any():
            at = corpus.at[present]
            line[place[present]] = Salience.fit(rows[present], at)(rows[present], at)
        standing[mode] = line
    both = np.isfinite(standing["video"]) & np.isfinite(standing["audio"])
    standing["joint"] = np.where(both, np.maximum(standing["video"], standing["audio"]), -np.inf)
    return standing


def _queries(standing: dict[Mode, Doubles]) -> dict[Mode, list[int]]:
    """Choose for each way to search the seconds that stand out most in it."""
    chosen: dict[Mode, list[int]] = {}
    for mode, line in standing.items():
        number = min(QUERIES, int(QUERY_SHARE * np.isfinite(line).sum()))
        if number:
            chosen[mode] = sorted(int(s) for s in np.argsort(-line, kind="stable")[:number])
    return chosen


def _far(distances: Doubles, queries: list[int]) -> Mask:
    """Which seconds are over a minute away and can be compared: bool (q, n)."""
    away = np.abs(np.arange(distances.shape[1]) - np.array(queries)[:, None]) > EXCLUSION_S
    return np.asarray(away & np.isfinite(distances))


def _neighbours(footage: Footage, queries: list[int], mode: Mode, standing: Doubles) -> float:
    """Chance that a second around a query is nearer than one over a minute away.

    Only seconds that stand out themselves are compared: a query's event may be over by then, and
    an encoder that tells the unusual from the ordinary may find all of the ordinary alike.
    """
    distances = distances_from(footage, queries, mode)
    far = _far(distances, queries) & (standing > STANDS_OUT)
    chances = [
        _chance(row[query + step], row[allowed])
        for query, row, allowed in zip(queries, distances, far, strict=True)
        for step in (*NEIGHBOURS_S, *(-step for step in NEIGHBOURS_S))
        if 0 <= query + step < len(row)
        and standing[query + step] > STANDS_OUT
        and np.isfinite(row[query + step])
        and allowed.any()
    ]
    return float(np.mean(chances)) if chances else 0.5


def _agreement(footage: Footage, queries: list[int], alike: dict[Mode, Floats]) -> dict[str, float]:
    """Chance that a hit in one modality is nearer in the other, by the yardstick, than any other.

    The first five hits of a search by picture are compared by sound and the other way round; .5
    says that they have nothing in common.
    """
    agreement: dict[str, float] = {}
    others: tuple[tuple[Mode, Mode], ...] = (("video", "audio"), ("audio", "video"))
    for mode, other in others:
        distances = distances_from(footage, queries, mode)
        judged = eq5_matrix(alike[other][queries], alike[other])
        far = _far(np.where(footage.has_video & footage.has_audio, distances, np.inf), queries)
        chances = [
            _chance(judge[hit], judge[allowed])
            for query, row, judge, allowed in zip(queries, distances, judged, far, strict=True)
            for hit in ranking(np.where(allowed, row, np.inf), query)[:HITS]
        ]
        agreement[mode] = float(np.mean(chances)) if chances else 0.5
    return agreement


def _crossing(footage: Footage, queries: list[int]) -> float:
    chances = []
    modes: tuple[Mode, Mode] = ("video-to-audio", "audio-to-video")
    z_v, z_a = (directions(z, footage.shared) for z in (footage.z_v, footage.z_a))
    footage = replace(footage, z_v=z_v, z_a=z_a)
    for mode in modes:
        distances = distances_from(footage, queries, mode)
        for query, row, far in zip(queries, distances, _far(distances, queries), strict=True):
            if np.isfinite(row[query]) and far.any():
                chances.append(_chance(row[query], row[far]))
    return float(np.mean(chances)) if chances else 0.5


def _chance(value: np.float64, others: Doubles) -> float:
    """Chance that a value is below one of the others, ties counting half."""
    return float(np.mean((value < others) + (value == others) / 2))


def _shared_rank(parts: Iterable[tuple[Floats, Mask]], shared: int) -> float | None:
    if not shared:
        return None
    return min(effective_rank(z[has][:, :shared]) for z, has in parts)


def _duplicates(footage: Footage, queries: list[int], mode: Mode) -> float:
    """Part of the queries that cannot be told from a moment over a minute away."""
    distances = distances_from(footage, queries, mode)
    far = _far(distances, queries)
    compared = far.any(axis=1)
    if not compared.any():
        return 0.0
    nearest = np.where(far, distances, np.inf).min(axis=1)[compared]
    return float((nearest <= DUPLICATE * np.median(distances[far])).mean())


def _truth(footage: Footage, modes: list[Mode]) -> dict[str, float]:
    """mAP@20, the mean over the kinds, of what was labelled."""
    truth: dict[str, float] = {}
    for mode in modes:
        scores = evaluate(footage, mode).values()
        if scores:
            truth[mode] = float(np.mean([score.mean_average_precision for score in scores]))
    return truth


def _location(corpus: Corpus, z_v: Floats, z_a: Floats, labels: Labels) -> dict[str, float]:
    """Average precision, the mean over the kinds, of locating what was labelled.

    Where another kind was labelled, somebody looked and saw that one.
    """
    masks = {"has_video": corpus.has_video, "has_audio": corpus.has_audio}
    rows = joint_rows(z_v, z_a, **masks)
    told: list[float] = []
    for kind in sorted(set().union(*labels)):
        said = [0 if not some else 1 if kind in some else -1 for some in labels]
        truth = np.array(said, np.int8)
        chosen = sample(corpus.at, truth)
        found = quality(Seconds(rows[chosen], corpus.at[chosen], truth[chosen]))
        if found and found.moments >= LEAST_MOMENTS:
            told.append(found.average_precision)
    return {"joint": float(np.mean(told))} if told else {}
