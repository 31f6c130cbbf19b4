"""The sound: any second of a plan, as the camera's microphone hears it.

A moving source is heard at the moment its sound arrives, so that pitch bends as it passes
(Doppler) without being modelled as such.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ml.crossroads import synthesis
from ml.crossroads.kinds import KINDS
from ml.crossroads.plan import Event, Plan, attenuation, distances
from ml.crossroads.synthesis import SAMPLE_RATE, Samples
from ml.crossroads.traffic import STEP_S, Drive

SPEED_OF_SOUND = 343.0
AMBIENCE_LEVEL, CAR_LEVEL = 0.014, 0.03
_LOOP_S = (31, 37, 43)
_KNOTS = 41
_BODY_LOUDNESS = {"truck": 1.8, "city_bus": 1.9, "van": 1.2, "melody_truck": 0.9}
_SILENT = ("pink_bus", "forklift", "sports_car", "ambulance", "police")

RealSounds = Mapping[str, list[Samples]]


class Soundtrack:
    """Plays seconds of a plan. `sounds` holds real ones by kind (see `synthesis.make`)."""

    def __init__(self, plan: Plan, sounds: RealSounds | None = None) -> None:
        self.plan = plan
        self.sounds = dict(sounds or {})
        self._made: dict[int, Samples] = {}

    def second(self, number: int) -> Samples:
        """Samples (44100,) of second `number` of the stream, within -1..1."""
        t = number + np.arange(SAMPLE_RATE) / SAMPLE_RATE
        total = self._ambience(number)
        for drive in self.plan.drives_at(number):
            if drive.trip.body not in _SILENT:
                total += self._car(drive, t)
        for index, event in enumerate(self.plan.events):
            if event.heard and event.start_s < number + 2 and event.end_s > number - 1:
                total += self._event(index, event, t)
        return np.asarray(np.tanh(total), dtype=np.float32)

    def _event(self, index: int, event: Event, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is heard of one event at the times t."""
        level = _level(event)
        if event.drive is None:
            place = np.array([event.place])
            loss = (
                1.0 if event.kind == "train" else attenuation(distances(self.plan.view, place))[0]
            )
            return level * float(loss) * self._at(self._source(index, event), t - event.start_s)
        knots = np.linspace(t[0], t[-1], _KNOTS)
        far = _distance(self.plan, event.drive, knots)
        sent = np.interp(t, knots, knots - far / SPEED_OF_SOUND)
        gain = np.interp(t, knots, level * attenuation(far))
        return gain * self._at(self._source(index, event), sent - event.drive.start_s)

    def _source(self, index: int, event: Event) -> Samples:
        """The sound as it leaves its source, made when first needed and kept while it lasts."""
        if index not in self._made:
            start, end = event.start_s, event.end_s
            if event.drive is not None:
                start, end = event.drive.start_s, event.drive.end_s
            real = self.sounds.get(event.kind)
            if len(self._made) > 12:
                self._made.clear()
            self._made[index] = synthesis.make(event.kind, event.seed, end - start, real)
        return self._made[index]

    @staticmethod
    def _at(source: Samples, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """A source read at fractional times, silent before and after, without clicks."""
        place = times * SAMPLE_RATE
        inside = np.clip(place, 0, len(source) - 2)
        first = inside.astype(np.int64)
        part = inside - first
        value = source[first] * (1 - part) + source[first + 1] * part
        edge = np.minimum(place, len(source) - 1 - place) / 400
        return np.asarray(value * np.clip(edge, 0, 1))

    def _car(self, drive: Drive, t: NDArray[np.float64]) -> NDArray[np.float64] | float:
        """Tyres and engine of an ordinary vehicle that drives past."""
        knots = np.linspace(t[0], t[-1], _KNOTS)
        far = _distance(self.plan, drive, knots)
        if far.min() > 95 or not drive.start_s < t[-1] < drive.end_s + 1:
            return 0.0
        speed = np.array([drive.speed_at(float(k)) for k in knots])
        alive = (knots >= drive.start_s) & (knots <= drive.end_s)
        loud = CAR_LEVEL * _BODY_LOUDNESS.get(drive.trip.body, 1.0) * attenuation(far) * alive
        tyres = np.interp(t, knots, loud * np.clip(speed / 10, 0, 1.4) ** 1.3)
        engine = np.interp(t, knots, loud * (0.3 + 0.05 * speed))
        offset = drive.trip.seed % 997 * 44
        rolling, hum = _rolling(), _hum(drive.trip.seed % 5)
        first = round((t[0] - drive.start_s) * SAMPLE_RATE) + offset
        index = np.arange(first, first + len(t))
        return np.asarray(
            tyres * rolling[index % len(rolling)] + engine * hum[index % len(hum)], dtype=np.float64
        )

    def _ambience(self, number: int) -> NDArray[np.float64]:
        """Distant traffic, wind and voices (and birds by day) from loops of unequal length."""
        real = self.sounds.get("ambience")
        light = self.plan.sky.at(float(number))
        day = 1 - light.lamps
        drift = [1 + 0.3 * np.sin(number / p + self.plan.seed) for p in (23.0, 41.0, 67.0)]
        loops = [_bed(real[0].tobytes())] if real else [_murmur()]
        parts = [*loops, _wind(), _voices()]
        levels = [0.9 * drift[0], 0.8 * drift[1] ** 2, (0.10 + 0.22 * day) * drift[2]]
        total = 0.3 * day * _turn(_birds(), number).astype(np.float64)
        for level, loop in zip(levels, parts, strict=True):
            total += level * _turn(loop, number)
        return np.asarray(AMBIENCE_LEVEL * total)


def _level(event: Event) -> float:
    return KINDS[event.kind].level * event.loudness


def _distance(plan: Plan, drive: Drive, times: NDArray[np.float64]) -> NDArray[np.float64]:
    at = np.clip((times - drive.start_s) / STEP_S, 0, len(drive.way) - 1)
    way = np.interp(at, np.arange(len(drive.way)), drive.way)
    return distances(plan.view, drive.path.places(way))


def _turn(loop: Samples, number: int) -> Samples:
    """Second `number` of a loop of whole seconds."""
    first = number % (len(loop) // SAMPLE_RATE) * SAMPLE_RATE
    return loop[first : first + SAMPLE_RATE]


def _looped(x: NDArray[np.float64], seconds: int) -> Samples:
    """Fold the last second of a sound into its first, so that it repeats without a seam."""
    n = seconds * SAMPLE_RATE
    ramp = np.sqrt(np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    out = x[:n].copy()
    tail = x[n : n + SAMPLE_RATE]
    out[:SAMPLE_RATE] = out[:SAMPLE_RATE] * ramp + tail * ramp[::-1]
    return np.asarray(out / (np.std(out) or 1.0), dtype=np.float32)


@lru_cache(maxsize=1)
def _murmur() -> Samples:
    rng = np.random.default_rng(101)
    n = (_LOOP_S[0] + 1) * SAMPLE_RATE
    return _looped(
        synthesis.pink(rng, n) + 2 * synthesis.band(rng.standard_normal(n), 40, 260), _LOOP_S[0]
    )


@lru_cache(maxsize=1)
def _wind() -> Samples:
    rng = np.random.default_rng(102)
    n = (_LOOP_S[1] + 1) * SAMPLE_RATE
    gusts = np.interp(np.arange(n), np.linspace(0, n, 30), rng.uniform(0.1, 1.6, 30))
    return _looped(synthesis.band(rng.standard_normal(n), 60, 480) * gusts, _LOOP_S[1])


@lru_cache(maxsize=1)
def _voices() -> Samples:
    rng = np.random.default_rng(103)
    seconds = _LOOP_S[2] + 1
    crowd = sum(
        synthesis.speech(rng, seconds, pitch)
        * np.interp(
            np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE,
            np.arange(seconds + 1),
            rng.uniform(0, 1, seconds + 1) ** 2,
        )
        for pitch in (112.0, 136.0, 190.0, 224.0)
    )
    return _looped(synthesis.band(np.asarray(crowd, dtype=np.float64), 250, 2600), _LOOP_S[2])


@lru_cache(maxsize=1)
def _birds() -> Samples:
    rng = np.random.default_rng(104)
    n = 54 * SAMPLE_RATE
    out = np.zeros(n)
    for _ in range(70):
        t = np.arange(int(rng.uniform(0.06, 0.2) * SAMPLE_RATE)) / SAMPLE_RATE
        first = int(rng.integers(n - len(t)))
        f = rng.uniform(2600, 5200) + rng.uniform(-6000, 6000) * t
        shape = np.sin(np.pi * np.arange(len(t)) / len(t)) ** 2 * rng.uniform(0.2, 1)
        out[first : first + len(t)] += shape * np.sin(2 * np.pi * f * t)
    return _looped(out, 53)


@lru_cache(maxsize=1)
def _rolling() -> Samples:
    rng = np.random.default_rng(105)
    return _looped(synthesis.band(rng.standard_normal(12 * SAMPLE_RATE), 180, 2600, 1), 11)


@lru_cache(maxsize=5)
def _hum(variant: int) -> Samples:
    """An idling and pulling engine, one of five."""
    rng = np.random.default_rng([106, variant])
    t = np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE
    f = rng.uniform(28, 52) * (1 + 0.03 * np.sin(2 * np.pi * t / 7))
    phase = 2 * np.pi * np.cumsum(f) / SAMPLE_RATE
    tone = sum(np.sin(k * phase + rng.uniform(0, 6)) / k**0.8 for k in range(1, 9))
    return _looped(np.asarray(tone) + 0.3 * synthesis.pink(rng, len(t)), 7)


@lru_cache(maxsize=1)
def _bed(samples: bytes) -> Samples:
    """A real street as the bed of the ambience, repeated to a whole loop."""
    clip = np.frombuffer(samples, dtype=np.float32).astype(np.float64)
    seconds = max(len(clip) // SAMPLE_RATE - 1, 1)
    needed = (seconds + 1) * SAMPLE_RATE
    return _looped(np.resize(clip, needed), seconds)
