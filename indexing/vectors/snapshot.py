"""Everything one encoder has embedded so far, in memory and never changed once made (rule 3).

A snapshot is derived: it is dropped at will and made again from the shards.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from indexing.arrays import Floats, Longs, Mask
from indexing.vectors.buffer import Vectors
from indexing.vectors.shards import Embeddings
from ml.distance import directions


@dataclass(frozen=True)
class Place:
    """Where the clips of a shard lie: recording, first second, and their moment and camera.

    ``camera`` is the camera's name, which orders ties; ``at`` is the first clip's moment in whole
    seconds since 1970, on which clips of different recordings of a camera are apart.
    """

    recording: int
    camera: str
    second: int
    at: int


@dataclass(frozen=True)
class Snapshot:
    """n clips: their places in columns (n,), and their vectors by modality.

    Novelty (n,) is NaN where a modality is absent, and where the shard does not tell it.
    """

    recording: Longs
    second: Longs
    at: Longs
    camera: Longs
    cameras: tuple[str, ...]
    has_video: Mask
    has_audio: Mask
    video: Vectors
    audio: Vectors
    video_novelty: Floats
    audio_novelty: Floats
    _common: dict[tuple[str, int], Vectors] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def empty(cls, video_dimension: int, audio_dimension: int) -> "Snapshot":
        """Return a snapshot without clips."""
        none = np.zeros(0, np.int64)
        return cls(
            recording=none,
            second=none,
            at=none,
            camera=none,
            cameras=(),
            has_video=none.astype(bool),
            has_audio=none.astype(bool),
            video=Vectors.empty(video_dimension),
            audio=Vectors.empty(audio_dimension),
            video_novelty=none.astype(np.float32),
            audio_novelty=none.astype(np.float32),
        )

    def __len__(self) -> int:
        return len(self.recording)

    def extended(self, shards: list[tuple[Place, Embeddings]]) -> "Snapshot":
        """Return a snapshot with more shards behind these clips; this one stays as it is."""
        if not shards:
            return self
        names = list(self.cameras)
        names += sorted({place.camera for place, _ in shards} - set(names))
        lengths = [len(embeddings) for _, embeddings in shards]
        steps = np.concatenate([np.arange(length) for length in lengths])

        def behind(old: Longs, new: list[int], step: Longs | int = 0) -> Longs:
            return np.concatenate([old, np.repeat(np.array(new, np.int64), lengths) + step])

        def masks(old: Mask, new: list[Mask]) -> Mask:
            return np.concatenate([old, *new])

        def novelty(old: Floats, new: list[Floats | None]) -> Floats:
            parts = zip(lengths, new, strict=True)
            told = [np.full(n, np.nan, np.float32) if part is None else part for n, part in parts]
            return np.concatenate([old, *told])

        places = [place for place, _ in shards]
        parts = [embeddings for _, embeddings in shards]
        return replace(
            self,
            recording=behind(self.recording, [p.recording for p in places]),
            second=behind(self.second, [p.second for p in places], steps),
            at=behind(self.at, [p.at for p in places], steps),
            camera=behind(self.camera, [names.index(p.camera) for p in places]),
            cameras=tuple(names),
            has_video=masks(self.has_video, [e.has_video for e in parts]),
            has_audio=masks(self.has_audio, [e.has_audio for e in parts]),
            video=self.video.extended(np.concatenate([e.video for e in parts])),
            audio=self.audio.extended(np.concatenate([e.audio for e in parts])),
            video_novelty=novelty(self.video_novelty, [e.video_novelty for e in parts]),
            audio_novelty=novelty(self.audio_novelty, [e.audio_novelty for e in parts]),
        )

    def vectors(self, modality: str) -> Vectors:
        """Return the vectors of "video" or "audio"."""
        return self.video if modality == "video" else self.audio

    def common(self, modality: str, shared: int) -> Vectors:
        """Return what of a modality can be compared with the other: its shared directions."""
        key = modality, shared
        if key not in self._common:
            rows = directions(self.vectors(modality).rows, shared)
            self._common[key] = Vectors.empty(rows.shape[1]).extended(rows)
        return self._common[key]

    def row(self, recording: int, second: int) -> int | None:
        """Return the row of a clip, or None where it has not been embedded."""
        rows = np.flatnonzero((self.recording == recording) & (self.second == second))
        return int(rows[0]) if len(rows) else None

    def admitted(
        self,
        *,
        cameras: tuple[str, ...],
        recordings: tuple[int, ...] = (),
        since: float | None = None,
        until: float | None = None,
    ) -> Mask:
        """Return which clips (n,) are of these cameras and recordings and in [since, until).

        Moments are seconds since 1970; without recordings, those of all are admitted.
        """
        wanted = [number for number, name in enumerate(self.cameras) if name in cameras]
        mask = np.isin(self.camera, wanted)
        if recordings:
            mask &= np.isin(self.recording, recordings)
        if since is not None:
            mask &= self.at >= since
        if until is not None:
            mask &= self.at < until
        return mask
