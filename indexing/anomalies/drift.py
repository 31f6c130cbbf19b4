"""Whether a camera's recent seconds still look and sound like what its encoder was trained on."""

from dataclasses import dataclass

import numpy as np

from indexing.anomalies.camera_scores import CameraScores
from indexing.work.progress import duration
from ml.anomaly import TAIL, Part

RECENT_CLIPS = 3600
LEAST_CLIPS = 300
# One second in twenty is beyond the level by definition; on other hours of the same street it was
# one in sixteen at most. So many are no chance, and a busy hour is not called another place.
DRIFTED = 0.25
WORDS: dict[Part, tuple[str, str]] = {
    "video": ("pictures", "The camera may have been moved, turned or covered."),
    "audio": ("sounds", "The microphone, or what is around it, may have changed."),
}


@dataclass(frozen=True)
class Drift:
    """How the last `clips` seconds differ: shares from 0 to 1, None where it cannot be told.

    video and audio are the shares that stand out more than 95 % of the training set did, lost_video
    and lost_audio those that lack what the training set had.
    """

    clips: int
    video: float | None
    audio: float | None
    lost_video: float
    lost_audio: float

    @property
    def sentences(self) -> list[str]:
        """What to tell the operator: the evidence, then what it may mean; empty without drift."""
        odd = [part for part in WORDS if (self._share(part) or 0) >= DRIFTED]
        found = [self._evidence(part) for part in odd]
        if len(odd) == 1:
            found.append(WORDS[odd[0]][1])
        elif odd:
            found.append("The place itself, its light or its season may have changed.")
        for part, lost in (("video", self.lost_video), ("audio", self.lost_audio)):
            if lost >= DRIFTED:
                device = "camera" if part == "video" else "microphone"
                noun = "picture" if part == "video" else "sound"
                found.append(
                    f"{lost:.0%} of the last {duration(self.clips)} have no {noun}, which the "
                    f"encoder was trained with. The {device} may be dead."
                )
        return found

    def _share(self, part: Part) -> float | None:
        return self.video if part == "video" else self.audio

    def _evidence(self, part: Part) -> str:
        return (
            f"{self._share(part):.0%} of the {WORDS[part][0]} of the last {duration(self.clips)} "
            f"stand out from what the encoder was trained on, where {TAIL:.0%} would be usual."
        )


def drift(scores: CameraScores) -> Drift | None:
    """Measure how the newest seconds differ from the training set.

    None where the encoder was not trained, or has embedded too little.
    """
    ordinary = scores.known.ordinary
    if not scores.known.from_training or ordinary is None or len(scores.rows) < LEAST_CLIPS:
        return None
    newest = scores.rows[np.argsort(scores.at, kind="stable")[-RECENT_CLIPS:]]
    snapshot = scores.known.snapshot

    def beyond(novelty: np.ndarray, part: Part) -> float | None:
        known = novelty[np.isfinite(novelty)]
        enough = len(known) >= LEAST_CLIPS and part in ordinary.calibrations
        return float((known > ordinary.level(part)).mean()) if enough else None

    def lost(present: np.ndarray, then: np.ndarray) -> float:
        return max(0.0, float((~present).mean() - np.isnan(then).mean()))

    return Drift(
        clips=len(newest),
        video=beyond(snapshot.video_novelty[newest], "video"),
        audio=beyond(snapshot.audio_novelty[newest], "audio"),
        lost_video=lost(snapshot.has_video[newest], ordinary.video),
        lost_audio=lost(snapshot.has_audio[newest], ordinary.audio),
    )
