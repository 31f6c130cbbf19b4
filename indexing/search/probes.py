"""The clips that a search is asked with, as each encoder embeds them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from indexing.encoders.embedding import embed
from indexing.encoders.publishing import read_features
from indexing.files import FileDamaged
from indexing.models import Encoder, Recording, Work
from indexing.search.query import Clip, SearchError
from indexing.vectors.fields import Probe
from indexing.vectors.snapshot import Snapshot


@dataclass(frozen=True)
class Known:
    """A clip whose recording exists and has that second."""

    recording: Recording
    second: int

    @property
    def place(self) -> tuple[str, int]:
        """Its camera and its moment in whole seconds since 1970."""
        start = round(self.recording.start.timestamp())
        return self.recording.camera.name, start + self.second

    def __str__(self) -> str:
        return f"Second {self.second} of {self.recording.name}"


def known(clips: Iterable[Clip]) -> list[Known]:
    """Find clips among the recordings.

    Raises:
        SearchError: one does not exist.
    """
    asked = list(clips)
    rows = Recording.objects.select_related("camera__encoder")
    found = rows.in_bulk({clip.recording_id for clip in asked})
    return [_known(clip, found.get(clip.recording_id)) for clip in asked]


def _known(clip: Clip, recording: Recording | None) -> Known:
    if recording is None:
        raise SearchError(f"There is no recording {clip.recording_id}.")
    if recording.state == Recording.State.REFUSED:
        raise SearchError(f"{recording.name} was refused: {recording.reason}")
    if recording.duration_s and not 0 <= clip.second < recording.duration_s:
        raise SearchError(
            f"{recording.name} has seconds 0 to {recording.duration_s - 1}; "
            f"second {clip.second} is outside."
        )
    return Known(recording, clip.second)


def probe(encoder: Encoder, snapshot: Snapshot, clip: Known) -> Probe:
    """Return a clip as an encoder embeds it: from its snapshot, or another camera's clip anew.

    Raises:
        SearchError: the clip was not read yet, or could not be.
    """
    row = snapshot.row(clip.recording.pk, clip.second)
    if row is not None:
        return Probe.of(snapshot, row)
    if encoder.camera_id == clip.recording.camera_id:
        raise SearchError(_why_absent(clip))
    return _from_features(encoder, clip)


def _why_absent(clip: Known) -> str:
    """Say why a clip cannot be searched for yet, or not at all."""
    chunk = clip.recording.chunks.filter(start_s__lte=clip.second).order_by("-start_s").first()
    if chunk and chunk.state == Work.State.FAILED:
        return f"{clip} could not be read: {chunk.error}"
    return f"{clip} is not searchable yet; it is still being ingested."


def _from_features(encoder: Encoder, clip: Known) -> Probe:
    """Return the clip as the encoder of another camera embeds it, from its kept features."""
    chunk = clip.recording.chunks.filter(start_s__lte=clip.second).order_by("-start_s").first()
    if chunk is None or not chunk.features:
        raise SearchError(_why_absent(clip))
    if encoder.trunk and encoder.trunk != chunk.trunk:
        raise SearchError(
            f"{clip.recording.name} was seen through other weights ({chunk.trunk}) than {encoder} "
            f"learnt with ({encoder.trunk}), so {encoder.camera} cannot be searched with it."
        )
    try:
        features = read_features(chunk, mel=encoder.needs_mel)
    except FileDamaged as error:
        raise SearchError(
            f"What was kept of second {clip.second} of {clip.recording.name} is damaged and is "
            "being made again; try again in a minute."
        ) from error
    row = clip.second - chunk.start_s
    whole = embed(encoder, features)  # a chunk tells what is ordinary in it
    seen, heard = whole.novelty or (np.full(len(whole), np.nan), np.full(len(whole), np.nan))
    return Probe(
        video=whole.video[row] if whole.has_video[row] else None,
        audio=whole.audio[row] if whole.has_audio[row] else None,
        video_novelty=float(seen[row]),
        audio_novelty=float(heard[row]),
    )
