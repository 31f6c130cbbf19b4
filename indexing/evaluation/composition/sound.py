"""The sound of a composed recording: ambience that never repeats, and known sounds on top."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.evaluation.composition.schedule import Planned
from indexing.media.sounds import read_sound
from ml.crossroads.truth import Occurrence

RATE = 44_100
PIECE_S = 10
AMBIENCE_RMS = 0.03
FADE_S = 0.05
CROSSFADE_S = 2
# A sound is heard from where it first comes within this many dB of its loudest twentieth second.
AUDIBLE_DB = 30.0

Samples = NDArray[np.float32]


class Ambience:
    """Two loops of different length under levels that rise and fall: no second is like another."""

    def __init__(self, path: Path, seed: int) -> None:
        street = read_sound(path)
        street = street * np.float32(AMBIENCE_RMS / np.sqrt(np.mean(np.square(street))))
        self._loops = _loop(street), _loop(street[: len(street) - 7 * RATE][::-1])
        self._phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 4)

    def samples(self, start: int, count: int) -> Samples:
        """Return samples start <= i < start + count of an endless stream."""
        at = np.arange(start, start + count)
        whole = np.zeros(count, np.float64)
        for number, loop in enumerate(self._loops):
            slow, quick = self._phases[2 * number : 2 * number + 2]
            turns = 2 * np.pi * at / RATE
            level_db = 3 * np.sin(turns / (311 + 80 * number) + slow) + 2 * np.sin(
                turns / (67 + 18 * number) + quick
            )
            whole += loop[at % len(loop)] * 10 ** ((level_db - 3) / 20)
        return whole.astype(np.float32)


def _loop(samples: Samples) -> Samples:
    """Fade the end into the beginning, so that the sound can go round and round."""
    fade = CROSSFADE_S * RATE
    rising = np.sqrt(np.linspace(0, 1, fade, dtype=np.float32))
    body = samples[: len(samples) - fade].copy()
    body[:fade] = body[:fade] * rising + samples[-fade:] * rising[::-1]
    return body


def audible(path: Path) -> Samples:
    """Read a sound without the silence around it, fading in and out."""
    samples = read_sound(path)
    block = RATE // 20
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    level = 10 * np.log10(np.mean(np.square(blocks), axis=1) + 1e-12)
    heard = np.flatnonzero(level > level.max() - AUDIBLE_DB)
    samples = samples[heard[0] * block : (heard[-1] + 1) * block].copy()
    fade = min(round(FADE_S * RATE), len(samples) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[len(samples) - fade :] *= ramp[::-1]
    return samples


class Soundtrack:
    """Ambience with the planned sounds at their levels; `truth` tells when each is heard."""

    def __init__(self, ambience: Ambience, planned: list[Planned], seconds: int) -> None:
        self._ambience, self._seconds = ambience, seconds
        self._sounds = [(round(one.start_s * RATE), self._at_level(one)) for one in planned]
        self.truth = [
            Occurrence(
                event=one.kind,
                seen=None,
                heard=(one.start_s, round(one.start_s + len(samples) / RATE, 1)),
                trajectory=f"{one.path.stem} at {one.snr_db:.0f} dB",
                light="",
            )
            for one, (_, samples) in zip(planned, self._sounds, strict=True)
        ]

    def _at_level(self, planned: Planned) -> Samples:
        """Scale a sound to its distance in dB from the ambience that it is heard above."""
        samples = audible(planned.path)
        under = self._ambience.samples(round(planned.start_s * RATE), len(samples))
        ratio = np.sqrt(np.mean(np.square(under)) / np.mean(np.square(samples)))
        return samples * np.float32(ratio * 10 ** (planned.snr_db / 20))

    def pieces(self) -> Iterator[Samples]:
        """Yield the sound, float32 mono at 44.1 kHz within -1..1, ten seconds at a time."""
        for start in range(0, self._seconds * RATE, PIECE_S * RATE):
            end = min(start + PIECE_S * RATE, self._seconds * RATE)
            piece = self._ambience.samples(start, end - start)
            for at, samples in self._sounds:
                first, last = max(at, start), min(at + len(samples), end)
                if first < last:
                    piece[first - start : last - start] += samples[first - at : last - at]
            yield np.clip(piece, -1, 1)
