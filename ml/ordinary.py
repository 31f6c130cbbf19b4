"""How novel the seconds an encoder was trained on are to each other: what others are held against.

numpy only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly import COMBINED, Calibration, Part, Scores, assemble
from ml.salience import Salience

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ordinary:
    """The novelty (`ml.salience`) of the m seconds that an encoder keeps of its training set."""

    video: Doubles  # (m,) of their pictures, NaN where a second has none
    audio: Doubles  # (m,) of their sounds
    calibrations: dict[Part, Calibration]  # of the modalities there were

    @classmethod
    def of(cls, video: Salience | None, audio: Salience | None) -> "Ordinary":
        """Measure every second that is kept of pictures and sounds, each against another minute."""
        known: dict[Part, Salience] = {}
        if video is not None:
            known["video"] = video
        if audio is not None:
            known["audio"] = audio
        at = np.unique(np.concatenate([np.zeros(0, np.int64), *(s.at for s in known.values())]))
        rows: dict[Part, Doubles] = {part: np.full(len(at), np.nan) for part in COMBINED}
        for part, salience in known.items():
            own = salience.distance(salience.reference, salience.at)
            rows[part][np.searchsorted(at, salience.at)] = own
        calibrations = {part: Calibration.fit(s.levels) for part, s in known.items()}
        return cls(rows["video"], rows["audio"], calibrations)

    def scores(self, video: Doubles, audio: Doubles, cross: Doubles | None = None) -> Scores:
        """Score n clips by the novelty of picture and sound, (n,) each, NaN where absent.

        cross (n,) is handed through.
        """
        if cross is None:
            cross = np.full(len(video), np.nan)
        raw: dict[Part, Doubles] = {"video": video, "audio": audio, "cross": cross}
        return assemble(raw, self.calibrations, COMBINED)

    @property
    def own(self) -> Scores:
        """The scores of the training set itself, from which mean and deviation come."""
        return self.scores(self.video, self.audio)

    def level(self, part: Part) -> float:
        """Return the novelty that one in twenty of the training set exceeds; NaN without any."""
        known = self.calibrations.get(part)
        return float(known.quantiles[-1]) if known else float("nan")
