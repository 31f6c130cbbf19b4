"""How novel the seconds are that an encoder was fitted on: what others are held against.

numpy only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly import COMBINED, Calibration, Part, Scores, assemble

Doubles = NDArray[np.float64]

# Fewer seconds tell nothing of what is ordinary.
LEAST = 120


@dataclass(frozen=True, eq=False)
class Ordinary:
    """The novelty (`ml.starter`) of m seconds that an encoder was fitted or trained on."""

    video: Doubles  # (m,) of their pictures, NaN where a second has none
    audio: Doubles  # (m,) of their sounds
    calibrations: dict[Part, Calibration]  # of the modalities there were

    @classmethod
    def of(cls, video: NDArray[np.floating], audio: NDArray[np.floating]) -> "Ordinary | None":
        """From the novelty of m seconds, NaN where absent; None where they tell too little."""
        rows: dict[Part, Doubles] = {
            "video": np.asarray(video, np.float64),
            "audio": np.asarray(audio, np.float64),
        }
        calibrations = {
            part: Calibration.fit(known)
            for part, values in rows.items()
            if len(known := values[np.isfinite(values)]) >= LEAST
        }
        return cls(rows["video"], rows["audio"], calibrations) if calibrations else None

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
