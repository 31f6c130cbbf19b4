"""The door to search: a query clip in, every other time something like it happened out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from indexing.encoders import snapshots
from indexing.models import Chunk, Encoder, Recording, Work
from indexing.search.answering import answering, leading, left_out, sees
from indexing.search.probes import Known, known, probe
from indexing.search.query import SearchError, SearchQuery, With, check, searched
from indexing.vectors.exact import Ranked
from indexing.vectors.exclusion import Kept
from indexing.vectors.fields import Field, Probe, Scored, rank_fields
from indexing.vectors.snapshot import Snapshot
from ml.feedback import chance

Snapshots = Callable[[Encoder], Snapshot]

# Nearer to where the slider stands, the weight of sound needs no sentence.
WORTH_SAYING = 0.05


@dataclass(frozen=True)
class Neighbour:
    """A clip that would have been a hit, were it not within the window of a better one."""

    recording_id: int
    camera: str
    second: int
    at: datetime
    distance: float


@dataclass(frozen=True)
class Hit:
    """One other time; percentile is the share (0-100) of the searched clips that rank after it.

    ``distance`` is to the query, the mean where that is several clips. Where hits were judged,
    ``chance`` (0-1) is how likely this one is meant, and they are ranked by it.
    """

    rank: int
    recording_id: int
    camera: str
    second: int
    at: datetime
    distance: float
    video_distance: float | None
    audio_distance: float | None
    percentile: float
    suppressed: tuple[Neighbour, ...]
    chance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the hit as docs/cli.md has it; suppressed is how many."""
        return {
            "rank": self.rank,
            "recording": self.recording_id,
            "camera": self.camera,
            "second": self.second,
            "at": self.at.isoformat(),
            "distance": self.distance,
            "video_distance": self.video_distance,
            "audio_distance": self.audio_distance,
            "percentile": self.percentile,
            "chance": self.chance,
            "suppressed": len(self.suppressed),
        }


@dataclass(frozen=True)
class SearchResult:
    """The hits, and what a person must know to judge them."""

    query: SearchQuery
    encoder_id: int
    encoder_kind: str
    settled: bool
    crossable: bool
    has_video: bool
    has_audio: bool
    clips_searched: int
    clips_pending: int
    audio_weight: float | None  # how much sound counts beside the picture (`_audio_weight`)
    around_query: tuple[Neighbour, ...]
    hits: tuple[Hit, ...]
    notes: tuple[str, ...]


def search(query: SearchQuery) -> SearchResult:
    """Rank the other clips by Eq. 5, or by what judged hits taught, and keep different moments.

    Nothing within the window of the query, of what was marked "this" or of a better hit is one.
    Cameras that share the query's encoder are ranked by distance. Where cameras with encoders of
    their own are searched too, each embeds the query and the hits are ranked by percentile, since
    distances of different encoders are not comparable (rule 4).

    Raises:
        SearchError: the query cannot be answered.
    """
    asked = ask(query)
    encoder, first, fields = asked.encoder, asked.probe, list(asked.fields().values())
    selection = rank_fields(fields, hits=query.k, window=query.exclusion_s)
    names = _Names(refined=query.refined)
    pending = _pending(query, asked.recording)
    return SearchResult(
        query=query,
        encoder_id=encoder.pk,
        encoder_kind=encoder.kind,
        settled=encoder.settled,
        crossable=encoder.crossable,
        has_video=first.video is not None,
        has_audio=first.audio is not None,
        clips_searched=selection.searched,
        clips_pending=pending,
        audio_weight=_audio_weight(query, first, fields),
        around_query=tuple(names.neighbour(f, r) for f, r in selection.around_query),
        hits=tuple(names.hit(rank, scored) for rank, scored in enumerate(selection.hits, 1)),
        notes=tuple(_notes(asked, first, fields, len(selection.hits), pending)),
    )


@dataclass(frozen=True)
class Asked:
    """A query that can be answered: its clips and marks, its encoder, and how that embeds them."""

    query: SearchQuery
    encoder: Encoder
    clips: tuple[Known, ...]
    this: tuple[Known, ...]
    not_this: tuple[Known, ...]
    snapshot_of: Snapshots

    @property
    def recording(self) -> Recording:
        """The recording of the query's first clip."""
        return self.clips[0].recording

    @property
    def probe(self) -> Probe:
        """The query's first clip as its encoder embeds it."""
        return self._probes(self.encoder, self.clips[:1])[0]

    def _probes(self, encoder: Encoder, clips: tuple[Known, ...]) -> list[Probe]:
        return [probe(encoder, self.snapshot_of(encoder), clip) for clip in clips]

    def _seen(self, encoder: Encoder, marks: tuple[Known, ...]) -> list[Probe]:
        """Return those marks that an encoder can embed: the others teach their own cameras' alone.

        A mark of a camera with another trunk says nothing in an encoder's own terms.
        """
        return self._probes(encoder, tuple(each for each in marks if sees(encoder, each.recording)))

    def fields(self) -> dict[Encoder, Field]:
        """Return the clips to search, by the encoder that embedded them."""
        return {
            other: self.field(other, snapshots.current(other))
            for other in answering(self.query, self.recording, self.encoder)
        }

    def field(self, encoder: Encoder, snapshot: Snapshot) -> Field:
        """Return those clips of a snapshot that the filters admit (rule 6)."""
        query = self.query
        eligible = snapshot.admitted(
            cameras=searched(query, self.recording.camera),
            recordings=query.recordings,
            since=query.since.timestamp() if query.since else None,
            until=query.until.timestamp() if query.until else None,
        )
        refused = [snapshot.row(clip.recording.pk, clip.second) for clip in self.not_this]
        eligible[np.array([row for row in refused if row is not None], np.int64)] = False
        return Field(
            snapshot=snapshot,
            compared=query.modality,
            audio_weight=query.audio_weight,
            asked=self._probes(encoder, self.clips),
            eligible=eligible,
            origins=[clip.place for clip in (*self.clips, *self.this)],
            shared=encoder.shared,
            this=self._seen(encoder, self.this),
            not_this=self._seen(encoder, self.not_this),
        )


def ask(query: SearchQuery, snapshot_of: Snapshots = snapshots.current) -> Asked:
    """Find what a query needs; ``snapshot_of`` gives the clips among which its own are.

    Raises:
        SearchError: the query cannot be answered.
    """
    check(query)
    clips, this, not_this = (
        tuple(known(some)) for some in (query.asked, query.this, query.not_this)
    )
    encoder = leading(query, clips[0].recording)
    for clip in clips:
        _check_modality(query, clip, encoder, probe(encoder, snapshot_of(encoder), clip))
    return Asked(query, encoder, clips, this, not_this, snapshot_of)


def _audio_weight(query: SearchQuery, first: Probe, fields: list[Field]) -> float | None:
    """Return how much sound counts beside the picture.

    None where only one is compared, and where several moments or encoders each have a weight.
    """
    if query.modality is not With.JOINT or first.video is None or first.audio is None:
        return None
    if query.also or query.refined or len(fields) > 1:
        return None
    return first.audio_weight(query.audio_weight)


def _check_modality(query: SearchQuery, clip: Known, encoder: Encoder, found: Probe) -> None:
    """Refuse a comparison for which a clip of the query or the encoder lacks something."""
    if query.modality.crossing and not encoder.crossable:
        if encoder.learnt_no_crossing:
            raise SearchError(
                "At this camera pictures and sounds say too little of each other to search one by "
                "the other; search with picture, with sound or with both."
            )
        raise SearchError(
            "Pictures and sounds can be compared with each other only after this camera has been "
            "trained; search with picture, with sound or with both."
        )
    if found.weights(query.modality, query.audio_weight):
        return
    if found.video is None and found.audio is None:
        raise SearchError(
            f"{clip} has neither picture nor sound that could be read; choose another moment."
        )
    if found.audio is None:
        raise SearchError(f"{clip} has no sound; search with its picture instead.")
    raise SearchError(f"{clip} has no picture; search with its sound instead.")


def _pending(query: SearchQuery, recording: Recording) -> int:
    """Return how many clips of chunks that the filters admit are not searchable yet."""
    names = searched(query, recording.camera)
    chunks = Chunk.objects.filter(recording__camera__name__in=names, shards=None)
    if query.recordings:
        chunks = chunks.filter(recording__in=query.recordings)
    open_chunks = chunks.exclude(state=Work.State.FAILED)
    pending = 0
    for start, second, clips in open_chunks.values_list("recording__start", "start_s", "clips"):
        at = start + timedelta(seconds=second)
        ended = query.since and at + timedelta(seconds=clips) <= query.since
        if not ended and not (query.until and at >= query.until):
            pending += clips
    return pending


def _notes(
    asked: Asked, first: Probe, fields: list[Field], hits: int, pending: int
) -> Iterator[str]:
    """Yield the sentences that belong beside the hits."""
    query = asked.query
    if query.modality is With.JOINT and (first.video is None or first.audio is None):
        absent = "picture" if first.video is None else "sound"
        yield f"This moment has no {absent}, so only its other half was compared."
    weight = _audio_weight(query, first, fields)
    if weight is not None and abs(weight - query.audio_weight) >= WORTH_SAYING:
        side = "what is heard" if weight > query.audio_weight else "what is seen"
        yield (
            f"Sound counts {weight:.0%} and picture {1 - weight:.0%} here, because this moment "
            f"stands out by {side}; the slider shifts that."
        )
    if query.also:
        yield (
            f"The query is {len(query.asked)} moments; a clip's distance is the mean of its "
            "distances to them."
        )
    yield from left_out(query, asked.recording)
    if len(fields) > 1:
        yield (
            "These cameras have encoders of their own, so the hits are ranked by how near they "
            "are among their own camera's clips, not by distance."
        )
    if pending:
        yield f"{pending:,} clips are not searchable yet; they join as they are embedded."
    if hits < query.k:
        yield (
            f"Only {hits} of {query.k} hits exist{' so far' if pending else ''} that are more than "
            f"{query.exclusion_s} s from the query{' and your marks' if query.this else ''} and "
            "from each other under these filters."
        )


class _Names:
    """Turns rows of a snapshot into what people see."""

    def __init__(self, *, refined: bool) -> None:
        self.refined = refined
        self.recordings: dict[int, Recording] = {}

    def place(self, field: Field, ranked: Ranked) -> tuple[Recording, int]:
        """Return the recording and the second of a ranked clip."""
        number = int(field.snapshot.recording[ranked.row])
        if number not in self.recordings:
            self.recordings[number] = Recording.objects.select_related("camera").get(pk=number)
        return self.recordings[number], int(field.snapshot.second[ranked.row])

    def neighbour(self, field: Field, ranked: Ranked) -> Neighbour:
        """Return a suppressed clip."""
        recording, second = self.place(field, ranked)
        return Neighbour(
            recording.pk, recording.camera.name, second, recording.at(second), ranked.distance
        )

    def hit(self, rank: int, scored: Scored) -> Hit:
        """Return a hit with the clips it suppressed."""
        kept: Kept = scored.kept
        recording, second = self.place(scored.field, kept.hit)
        return Hit(
            rank=rank,
            recording_id=recording.pk,
            camera=recording.camera.name,
            second=second,
            at=recording.at(second),
            distance=kept.hit.distance,
            video_distance=kept.hit.by_modality.get("video"),
            audio_distance=kept.hit.by_modality.get("audio"),
            percentile=100.0 * scored.farther,
            suppressed=tuple(self.neighbour(scored.field, one) for one in kept.suppressed),
            chance=chance(kept.hit.score) if self.refined else None,
        )
