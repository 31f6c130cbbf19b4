"""The light of a stream: day, night, or the slow way from one to the other, under moving clouds."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

LightName = Literal["day", "night", "mixed"]
LIGHTS: tuple[LightName, ...] = ("day", "night", "mixed")


@dataclass(frozen=True)
class Light:
    """Strengths at one moment: direct sun, diffuse sky (both 1 at noon) and street lamps (0-1)."""

    sun: float
    sky: float
    lamps: float
    warmth: float

    @property
    def name(self) -> str:
        """`day`, `dusk` or `night`, as the truth calls it."""
        return "night" if self.lamps > 0.95 else "day" if self.lamps < 0.05 else "dusk"


def _smooth(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


@dataclass(frozen=True)
class Sky:
    """The slow course of the light over `duration_s`, drawn from `seed`."""

    light: LightName
    duration_s: float
    seed: int

    def at(self, t: float) -> Light:
        """The light at second t of the stream."""
        daylight = self._daylight(t)
        cover = self._cloud_cover(t)
        evening = 1 - abs(2 * daylight - 1)
        return Light(
            sun=daylight**2 * (1 - 0.85 * cover),
            sky=0.06 + 0.94 * daylight * (0.92 + 0.38 * cover + 0.06 * self._wave(t, 5)),
            lamps=_smooth((0.55 - daylight) / 0.4),
            warmth=0.8 * evening + 0.15 * self._wave(t, 9),
        )

    def _daylight(self, t: float) -> float:
        if self.light != "mixed":
            return 1.0 if self.light == "day" else 0.0
        return 1 - _smooth((t / self.duration_s - 0.38) / 0.3)

    def _cloud_cover(self, t: float) -> float:
        """From 0 (clear) to 1 (covered); edges of clouds pass in some ten seconds."""
        return _smooth(0.5 + 1.1 * self._wave(t, 1) + 0.35 * self._wave(4 * t, 3))

    def _wave(self, t: float, stream: int) -> float:
        """A sum of slow sines with periods of 4 to 17 minutes, within about -1..1."""
        draw = np.random.default_rng([self.seed, 77, stream])
        periods, phases = draw.uniform(240, 1020, 3), draw.uniform(0, 2 * np.pi, 3)
        waves = [math.sin(2 * math.pi * t / p + f) for p, f in zip(periods, phases, strict=True)]
        return sum(waves) / 2.2
