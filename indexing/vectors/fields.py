"""A search over one or several encoders' clips: the query as each of them sees it, and its hits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexing.vectors.exact import Measure, Ranked, Ranking
from indexing.vectors.examples import Example, Judged, Likeness, Side
from indexing.vectors.exclusion import Kept, select
from indexing.vectors.snapshot import Snapshot
from ml.distance import directions, weight_of_sound
from ml.feedback import ORDINARY

# What is compared by each kind of search: (modality of the query, modality of the others).
COMPARED = {
    "joint": (("video", "video"), ("audio", "audio")),
    "video": (("video", "video"),),
    "audio": (("audio", "audio"),),
    "video-to-audio": (("video", "audio"),),
    "audio-to-video": (("audio", "video"),),
}

# So near to a clip that is wanted, what is ordinary may be the same thing.
BESIDE_S = 5

Weights = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Probe:
    """The query clip as one encoder embeds it; None in a modality that it lacks.

    video_novelty and audio_novelty say how far it stands out in each, NaN where that is not known.
    """

    video: NDArray[np.float32] | None
    audio: NDArray[np.float32] | None
    video_novelty: float = np.nan
    audio_novelty: float = np.nan

    @classmethod
    def of(cls, snapshot: Snapshot, row: int) -> "Probe":
        """Return a clip of a snapshot."""
        return cls(
            video=snapshot.video.rows[row] if snapshot.has_video[row] else None,
            audio=snapshot.audio.rows[row] if snapshot.has_audio[row] else None,
            video_novelty=float(snapshot.video_novelty[row]),
            audio_novelty=float(snapshot.audio_novelty[row]),
        )

    def audio_weight(self, slider: float) -> float:
        """Return how much the sound counts in a joint search, the slider being here (0 to 1)."""
        return float(weight_of_sound(self.video_novelty, self.audio_novelty, slider))

    def vector(self, modality: str) -> NDArray[np.float32] | None:
        """Return the query's vector in a modality."""
        return self.video if modality == "video" else self.audio

    def weights(self, compared: str, audio_weight: float) -> Weights:
        """Return what can be compared and how much it counts; empty where nothing can.

        ``audio_weight`` is where people put the slider between picture and sound, and each counts
        besides by how far the clip stands out in it (`ml.distance.weight_of_sound`).
        """
        pairs = COMPARED[compared]
        sound = self.audio_weight(audio_weight)
        weight = {"audio": sound, "video": 1.0 - sound}
        found = {
            pair: weight[pair[0]] if len(pairs) > 1 else 1.0
            for pair in pairs
            if self.vector(pair[0]) is not None
        }
        return {pair: value for pair, value in found.items() if value > 0}


@dataclass(frozen=True, eq=False)
class Field:
    """The clips of one encoder, those that are eligible, and the query among them.

    asked, this and not_this are clips as this encoder embeds them: the query's, and hits that were
    judged. origins are the camera and the moment, in whole seconds, of those around which nothing
    is a hit; shared is how many leading columns of the encoder compare pictures with sounds.
    """

    snapshot: Snapshot
    compared: str
    audio_weight: float
    asked: Sequence[Probe]
    eligible: NDArray[np.bool_]
    origins: Sequence[tuple[str, int]]
    shared: int = 0
    this: Sequence[Probe] = ()
    not_this: Sequence[Probe] = ()

    def ranking(self) -> Ranking:
        """Return all eligible clips by distance, or where hits were judged by what that taught."""
        return Ranking(self.snapshot, self._measure(), self.eligible)

    def _measure(self) -> Measure:
        likeness = Likeness([self._example(probe, self.compared) for probe in self.asked])
        if not (self.this or self.not_this):
            return likeness
        # A hit was judged by what was searched: across modalities that is its other one.
        found = COMPARED[self.compared][0][1] if self._crossing else self.compared
        this, not_this, ordinary = (
            [example for probe in some if (example := self._example(probe, found)).sides]
            for some in (self.this, self.not_this, self._ordinary())
        )
        return Judged(likeness, this, not_this, ordinary)

    def _ordinary(self) -> list[Probe]:
        """Return clips evenly spread over all there are, none beside what is wanted."""
        snapshot = self.snapshot
        rows = np.unique(np.linspace(0, len(snapshot) - 1, ORDINARY).round().astype(np.int64))
        beside = np.zeros(len(rows), bool)
        for camera, at in self.origins:
            if camera in snapshot.cameras:
                here = snapshot.camera[rows] == snapshot.cameras.index(camera)
                beside |= here & (np.abs(snapshot.at[rows] - at) <= BESIDE_S)
        return [Probe.of(snapshot, int(row)) for row in rows[~beside]]

    @property
    def _crossing(self) -> bool:
        return all(mine != others for mine, others in COMPARED[self.compared])

    def _example(self, probe: Probe, compared: str) -> Example:
        """Compare a clip with all others; one that lacks the modality has no sides."""
        return Example(
            len(self.snapshot),
            [
                self._side(others, vector, weight)
                for (mine, others), weight in probe.weights(compared, self.audio_weight).items()
                if (vector := probe.vector(mine)) is not None
            ],
        )

    def _side(self, others: str, vector: NDArray[np.float32], weight: float) -> Side:
        """Compare a clip's picture or sound with the others' pictures or sounds."""
        present = {"video": self.snapshot.has_video, "audio": self.snapshot.has_audio}[others]
        if not self._crossing:
            return Side(others, vector, self.snapshot.vectors(others), present, weight)
        direction = directions(vector[None], self.shared)[0]
        return Side(others, direction, self.snapshot.common(others, self.shared), present, weight)


@dataclass(frozen=True)
class Scored:
    """A hit, the field it was found in, and the share (0 to 1) of that field ranked after it."""

    field: Field
    kept: Kept
    farther: float

    @property
    def place(self) -> tuple[float, str, int]:
        """Rank across fields: nearer than more of its own first, then camera, then time."""
        snapshot, row = self.field.snapshot, self.kept.hit.row
        return -self.farther, snapshot.cameras[snapshot.camera[row]], int(snapshot.at[row])


@dataclass(frozen=True)
class Found:
    """Hits in order, the clips that the query itself suppressed, and how many were searched."""

    hits: list[Scored]
    around_query: list[tuple[Field, Ranked]]
    searched: int


def rank_fields(fields: list[Field], *, hits: int, window: int) -> Found:
    """Return the best hits of all fields; one field's are ranked by distance alone.

    Each camera is in one field, so the exclusion window of a camera never crosses fields.
    """
    scored: list[Scored] = []
    around: list[tuple[Field, Ranked]] = []
    searched = 0
    for field in fields:
        ranking = field.ranking()
        chosen = select(ranking, field.snapshot, origins=field.origins, hits=hits, window=window)
        scored += [Scored(field, kept, 1.0 - kept.place / ranking.count) for kept in chosen.hits]
        around += [(field, ranked) for ranked in chosen.around_query]
        searched += ranking.count
    if len(fields) > 1:
        scored.sort(key=lambda one: one.place)
    return Found(scored[:hits], around, searched)
