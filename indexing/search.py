"""The door to search: a query clip in, every other time something like it happened out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from indexing import snapshots
from indexing.embedding import embed
from indexing.files import FileDamaged
from indexing.models import Camera, Chunk, Encoder, Recording, Work
from indexing.publishing import begins, read_features
from indexing.vectors.exact import Ranked
from indexing.vectors.exclusion import Kept
from indexing.vectors.fields import Field, Probe, Scored, rank_fields
from indexing.vectors.snapshot import Snapshot
from ml.refusal import Refusal

MOST_HITS = 500
LONGEST_EXCLUSION_S = 24 * 3600

Snapshots = Callable[[Encoder], Snapshot]


class SearchError(Refusal):
    """A search that cannot be answered, with a sentence that says why and what to do."""


class With(StrEnum):
    """What of the query is compared with what of the others."""

    JOINT = "joint"
    VIDEO = "video"
    AUDIO = "audio"
    VIDEO_TO_AUDIO = "video-to-audio"
    AUDIO_TO_VIDEO = "audio-to-video"

    @property
    def crossing(self) -> bool:
        """Whether pictures are compared with sounds, which takes a trained encoder."""
        return self in {With.VIDEO_TO_AUDIO, With.AUDIO_TO_VIDEO}


@dataclass(frozen=True)
class SearchQuery:
    """A search that can be repeated: which clip, compared how, among which others.

    Without ``cameras`` the query's own camera is searched. ``since`` is included, ``until`` is not.
    """

    recording_id: int
    second: int
    modality: With = With.JOINT
    audio_weight: float = 0.5
    k: int = 20
    exclusion_s: int = 60
    cameras: tuple[str, ...] = ()
    recordings: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    encoder_id: int | None = None


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
    """One other time; percentile is the share (0-100) of the searched clips that are farther."""

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
    around_query: tuple[Neighbour, ...]
    hits: tuple[Hit, ...]
    notes: tuple[str, ...]


def search(query: SearchQuery) -> SearchResult:
    """Rank the other clips by Eq. 5 and keep truly different moments.

    Cameras that share the query's encoder are ranked by distance. Where cameras with encoders of
    their own are searched too, the query is embedded by each of them and the hits are ranked by
    percentile, since distances of different encoders are not comparable (rule 4).

    Raises:
        SearchError: the query cannot be answered.
    """
    asked = ask(query)
    encoder, probe, fields = asked.encoder, asked.probe, list(asked.fields().values())
    selection = rank_fields(fields, hits=query.k, window=query.exclusion_s)
    names = _Names()
    pending = _pending(query, asked.recording)
    return SearchResult(
        query=query,
        encoder_id=encoder.pk,
        encoder_kind=encoder.kind,
        settled=encoder.settled,
        crossable=encoder.crossable,
        has_video=probe.video is not None,
        has_audio=probe.audio is not None,
        clips_searched=selection.searched,
        clips_pending=pending,
        around_query=tuple(names.neighbour(f, r) for f, r in selection.around_query),
        hits=tuple(names.hit(rank, scored) for rank, scored in enumerate(selection.hits, 1)),
        notes=tuple(_notes(query, probe, fields, len(selection.hits), pending)),
    )


@dataclass(frozen=True)
class Asked:
    """A query that can be answered: its recording, its encoder, and its clip as that embeds it."""

    query: SearchQuery
    recording: Recording
    encoder: Encoder
    probe: Probe

    def fields(self) -> dict[Encoder, Field]:
        """Return the clips to search, by the encoder that embedded them."""
        return {
            other: self.field(other, snapshots.current(other))
            for other in _encoders(self.query, self.recording, self.encoder)
        }

    def field(self, encoder: Encoder, snapshot: Snapshot) -> Field:
        """Return those clips of a snapshot that the filters admit (rule 6)."""
        query, recording = self.query, self.recording
        own = encoder == self.encoder
        probe = self.probe if own else _probe_by(encoder, recording, query.second)
        return Field(
            snapshot=snapshot,
            probe=probe,
            weights=probe.weights(query.modality, query.audio_weight),
            eligible=snapshot.admitted(
                cameras=query.cameras or (recording.camera.name,),
                recordings=query.recordings,
                since=query.since.timestamp() if query.since else None,
                until=query.until.timestamp() if query.until else None,
            ),
            origin=(recording.camera.name, round(recording.start.timestamp()) + query.second),
            shared=encoder.shared,
        )


def ask(query: SearchQuery, snapshot_of: Snapshots = snapshots.current) -> Asked:
    """Find what a query needs; ``snapshot_of`` gives the clips among which the query itself is.

    Raises:
        SearchError: the query cannot be answered.
    """
    _check(query)
    recording = _recording(query)
    encoder = _encoder(query, recording)
    probe = _probe(query, recording, snapshot_of(encoder))
    _check_modality(query, recording, encoder, probe)
    return Asked(query, recording, encoder, probe)


def _check(query: SearchQuery) -> None:
    """Refuse numbers that make no sense, and cameras that do not exist."""
    if not 1 <= query.k <= MOST_HITS:
        raise SearchError(f"Ask for 1 to {MOST_HITS} hits, not {query.k}.")
    if not 0 <= query.exclusion_s <= LONGEST_EXCLUSION_S:
        raise SearchError(
            f"The exclusion window is 0 to {LONGEST_EXCLUSION_S} seconds, not {query.exclusion_s}."
        )
    if not 0.0 <= query.audio_weight <= 1.0:
        raise SearchError(f"The weight of sound is 0 to 1, not {query.audio_weight}.")
    if query.since and query.until and query.since >= query.until:
        raise SearchError("The time range ends before it starts.")
    known = set(Camera.objects.filter(name__in=query.cameras).values_list("name", flat=True))
    for name in query.cameras:
        if name not in known:
            raise SearchError(f"There is no camera named {name}.")


def _recording(query: SearchQuery) -> Recording:
    """Return the query's recording, where the second lies within it."""
    found = Recording.objects.select_related("camera__encoder").filter(pk=query.recording_id)
    recording = found.first()
    if recording is None:
        raise SearchError(f"There is no recording {query.recording_id}.")
    if recording.state == Recording.State.REFUSED:
        raise SearchError(f"{recording.name} was refused: {recording.reason}")
    if recording.duration_s and not 0 <= query.second < recording.duration_s:
        raise SearchError(
            f"{recording.name} has seconds 0 to {recording.duration_s - 1}; "
            f"second {query.second} is outside."
        )
    return recording


def _encoder(query: SearchQuery, recording: Recording) -> Encoder:
    """Return the encoder asked for, or the one its camera uses."""
    if query.encoder_id is not None:
        chosen = Encoder.objects.filter(pk=query.encoder_id).first()
        if chosen is None:
            raise SearchError(f"There is no encoder {query.encoder_id}.")
        own = recording.camera.name
        if chosen.camera_id != recording.camera_id or set(query.cameras) - {own}:
            raise SearchError(
                f"Encoder {chosen.pk} searches its own camera, {chosen.camera}, only."
            )
        return chosen
    if recording.camera.encoder is None:
        raise SearchError(
            f"{recording.name} is still being prepared; its first minute is searchable soon."
        )
    return recording.camera.encoder


def _probe(query: SearchQuery, recording: Recording, snapshot: Snapshot) -> Probe:
    """Return the query clip as the snapshot's encoder embedded it."""
    row = snapshot.row(recording.pk, query.second)
    if row is None:
        raise SearchError(_why_absent(recording, query.second))
    return Probe(
        video=snapshot.video.rows[row] if snapshot.has_video[row] else None,
        audio=snapshot.audio.rows[row] if snapshot.has_audio[row] else None,
    )


def _why_absent(recording: Recording, second: int) -> str:
    """Say why a clip cannot be a query yet, or not at all."""
    chunk = recording.chunks.filter(start_s__lte=second).order_by("-start_s").first()
    if chunk and chunk.state == Work.State.FAILED:
        return f"Second {second} of {recording.name} could not be read: {chunk.error}"
    return f"Second {second} of {recording.name} is not searchable yet; it is still being ingested."


def _check_modality(
    query: SearchQuery, recording: Recording, encoder: Encoder, probe: Probe
) -> None:
    """Refuse a comparison for which the query clip or the encoder lacks something."""
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
    if probe.weights(query.modality, query.audio_weight):
        return
    where = f"Second {query.second} of {recording.name}"
    if probe.video is None and probe.audio is None:
        raise SearchError(
            f"{where} has neither picture nor sound that could be read; choose another moment."
        )
    if probe.audio is None:
        raise SearchError(f"{where} has no sound; search with its picture instead.")
    raise SearchError(f"{where} has no picture; search with its sound instead.")


def _encoders(query: SearchQuery, recording: Recording, encoder: Encoder) -> list[Encoder]:
    """Return the encoders by which the searched cameras are embedded, the query's own first.

    Those that cannot compare what is asked for are left out; `_left_out` says whose they are.
    """
    if not query.cameras or query.encoder_id is not None:
        return [encoder]
    cameras = Camera.objects.filter(name__in=query.cameras).select_related("encoder")
    found = {camera.encoder.pk: camera.encoder for camera in cameras if camera.encoder}
    if query.modality.crossing:
        found = {number: other for number, other in found.items() if other.crossable}
    return sorted(found.values(), key=lambda other: (other != encoder, other.pk))


def _left_out(query: SearchQuery) -> list[str]:
    """Return the searched cameras in which pictures cannot be compared with sounds."""
    if not query.modality.crossing:
        return []
    cameras = Camera.objects.filter(name__in=query.cameras, encoder__crossable=False)
    return sorted(cameras.values_list("name", flat=True))


def _probe_by(encoder: Encoder, recording: Recording, second: int) -> Probe:
    """Return the query clip as the encoder of another camera embeds it, from its kept features."""
    chunk = recording.chunks.filter(start_s__lte=second).order_by("-start_s")[0]
    try:
        features = read_features(chunk, mel=encoder.needs_mel)
    except FileDamaged as error:
        raise SearchError(
            f"What was kept of second {second} of {recording.name} is damaged and is being made "
            "again; try again in a minute."
        ) from error
    row = second - chunk.start_s
    whole = embed(encoder, features, begins(chunk))  # a chunk tells what is ordinary in it
    return Probe(
        video=whole.video[row] if whole.has_video[row] else None,
        audio=whole.audio[row] if whole.has_audio[row] else None,
    )


def _pending(query: SearchQuery, recording: Recording) -> int:
    """Return how many clips of chunks that the filters admit are not searchable yet."""
    names = query.cameras or (recording.camera.name,)
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
    query: SearchQuery, probe: Probe, fields: list[Field], hits: int, pending: int
) -> Iterator[str]:
    """Yield the sentences that belong beside the hits."""
    if query.modality is With.JOINT and (probe.video is None or probe.audio is None):
        absent = "picture" if probe.video is None else "sound"
        yield f"This moment has no {absent}, so only its other half was compared."
    if left_out := _left_out(query):
        yield (
            "Pictures and sounds can be compared with each other only after a camera has been "
            f"trained, so these were left out: {', '.join(left_out)}."
        )
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
            f"{query.exclusion_s} s from the query and from each other under these filters."
        )


class _Names:
    """Turns rows of a snapshot into what people see."""

    def __init__(self) -> None:
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
        )
