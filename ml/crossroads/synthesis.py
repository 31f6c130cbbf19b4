"""The sounds of the events, synthesised: every occurrence a little different, all from a seed.

Each function gives float32 samples at 44.1 kHz with an RMS of about 1 while it sounds; `mix`
scales them. `t` is the time in seconds of each sample.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

SAMPLE_RATE = 44_100
Samples = NDArray[np.float32]
Floats = NDArray[np.float64]
Maker = Callable[[np.random.Generator, float], Samples]


def _times(seconds: float) -> Floats:
    return np.arange(max(int(seconds * SAMPLE_RATE), 64)) / SAMPLE_RATE


def _unit(x: Floats) -> Samples:
    """Scale to an RMS of 1 over the louder part."""
    level = float(np.sqrt(np.mean(x**2))) or 1.0
    return np.asarray(x / level, dtype=np.float32)


def band(x: Floats, low: float, high: float, order: int = 2) -> Floats:
    """A Butterworth band-pass."""
    sos = butter(order, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(sos, x))


def _phase(frequency: Floats) -> Floats:
    return np.asarray(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE)


def _harmonics(phase: Floats, weights: tuple[float, ...]) -> Floats:
    total = np.zeros(phase.shape)
    for k, weight in enumerate(weights, 1):
        total += weight * np.sin(k * phase)
    return total


def pink(rng: np.random.Generator, n: int) -> Floats:
    """Noise that falls by about 3 dB an octave (Kellet's filter), RMS near 1."""
    b = (0.049922, -0.095993, 0.050612, -0.004408)
    a = (1.0, -2.494956, 2.017265, -0.522189)
    x = np.asarray(lfilter(b, a, rng.standard_normal(n)))
    return np.asarray(x / (np.std(x) or 1.0))


def ambulance(rng: np.random.Generator, seconds: float) -> Samples:
    """Two tones in turn, a fourth apart, as European ambulances have."""
    t = _times(seconds)
    pitch, rate = rng.uniform(0.94, 1.07), rng.uniform(0.85, 1.15)
    high = (t * rate + rng.uniform()) % 1.0 < 0.5
    glide = lfilter([0.002], [1, -0.998], np.where(high, 590.0, 442.0) - 516.0) + 516.0
    tone = _harmonics(_phase(glide * pitch), (1.0, 0.55, 0.7, 0.3, 0.35, 0.15, 0.2))
    return _unit(tone)


def police(rng: np.random.Generator, seconds: float) -> Samples:
    """A yelping siren, and a loudspeaker that now and then speaks over it."""
    t = _times(seconds)
    rate, pitch = rng.uniform(2.6, 3.6), rng.uniform(0.92, 1.1)
    sweep = (t * rate + rng.uniform()) % 1.0
    frequency = pitch * (650 + 820 * np.sin(np.pi * sweep) ** 0.8)
    siren = _unit(_harmonics(_phase(frequency), (1.0, 0.5, 0.4, 0.2, 0.15))).astype(np.float64)
    voice = _unit(np.tanh(2.0 * speech(rng, seconds, rng.uniform(105, 150)))).astype(np.float64)
    voice = band(voice, 450, 3300)
    talks = np.interp(t, *_talking(rng, seconds))
    return _unit(siren * (1 - 0.75 * talks) + 1.5 * voice * talks)


def _talking(rng: np.random.Generator, seconds: float) -> tuple[list[float], list[float]]:
    """Knots of an envelope: silent, speaking some seconds, silent."""
    times, values, at = [0.0], [0.0], float(rng.uniform(0.5, 3.0))
    while at < seconds:
        long = float(rng.uniform(1.8, 4.0))
        times += [at, at + 0.1, at + long, at + long + 0.1]
        values += [0.0, 1.0, 1.0, 0.0]
        at += long + float(rng.uniform(1.5, 4.0))
    return times, values


def speech(rng: np.random.Generator, seconds: float, pitch: float) -> Samples:
    """Voice-like babble: a buzzing glottis through formants that change with each syllable."""
    t = _times(seconds)
    out = np.zeros(len(t))
    tune = pitch * (1 + 0.12 * np.sin(2 * np.pi * 0.4 * t + rng.uniform(0, 6)))
    phase = _phase(tune * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * t)))
    buzz = 2 * (phase / (2 * np.pi) % 1.0) - 1 + 0.1 * rng.standard_normal(len(t))
    at = 0
    while at < len(t):
        n = int(rng.uniform(0.12, 0.27) * SAMPLE_RATE)
        piece = buzz[at : at + n]
        vowel = _VOWELS[int(rng.integers(len(_VOWELS)))]
        shape = np.sin(np.pi * np.arange(len(piece)) / n) ** 0.6 * rng.uniform(0.3, 1.0)
        if rng.uniform() > 0.14:
            out[at : at + n] = _formants(piece, vowel) * shape
        at += n
    return _unit(out)


_VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
)


def _formants(x: Floats, vowel: tuple[int, ...]) -> Floats:
    total = np.zeros(len(x))
    for k, frequency in enumerate(vowel):
        radius = np.exp(-np.pi * (80 + 30 * k) / SAMPLE_RATE)
        a = (1.0, -2 * radius * np.cos(2 * np.pi * frequency / SAMPLE_RATE), radius**2)
        total += lfilter([(1 - radius) / (1 + k)], a, x)
    return total


_TUNE = (76, 75, 76, 75, 76, 71, 74, 72, 69, -1, 60, 64, 69, 71, -1, 64, 68, 71, 72, -1)


def melody_truck(rng: np.random.Generator, seconds: float) -> Samples:
    """A music box that plays the beginning of Beethoven's bagatelle, as such trucks do."""
    t = _times(seconds)
    out = np.zeros(len(t))
    beat = 0.27 * rng.uniform(0.92, 1.08)
    pitch, place = rng.uniform(0.97, 1.03), int(rng.integers(len(_TUNE)))
    for k in range(int(seconds / beat) + 1):
        note = _TUNE[(place + k) % len(_TUNE)]
        first = int(k * beat * SAMPLE_RATE)
        if note < 0 or first >= len(t):
            continue
        ring = t[: min(int(0.9 * SAMPLE_RATE), len(t) - first)]
        f = pitch * 440 * 2 ** ((note - 69) / 12)
        tone = sum(
            w * np.sin(2 * np.pi * f * m * ring) * np.exp(-ring * d)
            for m, w, d in ((1, 1.0, 5), (2, 0.5, 7), (3.0, 0.35, 9), (5.4, 0.25, 16))
        )
        out[first : first + len(ring)] += tone
    return _unit(np.tanh(1.3 * out))


def train(rng: np.random.Generator, seconds: float) -> Samples:
    """Rumble, wheels over joints and a little squeal, swelling and fading."""
    t = _times(seconds)
    n = len(t)
    rumble = band(rng.standard_normal(n), 35, 180) * 3.2 + band(pink(rng, n), 200, 1400)
    period = rng.uniform(0.95, 1.35)
    beat = (t + rng.uniform()) % period
    clack = sum(np.exp(-(((beat - d) / 0.022) ** 2)) for d in (0.1, 0.27, 0.62, 0.79))
    clacks = band(rng.standard_normal(n), 250, 1900) * clack * 2.4
    squeal = np.sin(_phase(2350 * rng.uniform(0.9, 1.1) + 30 * np.sin(2 * np.pi * 0.7 * t)))
    squeal *= 0.09 * np.clip(np.sin(2 * np.pi * t / 5.7 + rng.uniform(0, 6)), 0, 1)
    swell = np.sin(np.pi * np.clip(t / seconds, 0, 1)) ** 0.7
    return _unit((rumble + clacks + squeal) * swell)


def sports_car(rng: np.random.Generator, seconds: float) -> Samples:
    """A roaring engine: firing pulses that rise gear by gear, distorted, over intake noise."""
    t = _times(seconds)
    gear = (t / rng.uniform(2.4, 3.4) + rng.uniform()) % 1.0
    frequency = rng.uniform(88, 112) * (1 + 0.9 * gear) * (1 + 0.015 * rng.standard_normal())
    phase = _phase(frequency)
    pulses = _harmonics(phase, tuple(1 / k**0.75 for k in range(1, 15)))
    uneven = 1 + 0.35 * np.sin(phase / 2) + 0.2 * np.sin(phase / 4)
    noise = band(rng.standard_normal(len(t)), 300, 4200) * (0.5 + 0.5 * np.sin(phase))
    return _unit(np.tanh(1.5 * pulses * uneven) + 0.45 * noise)


def horn(rng: np.random.Generator, seconds: float) -> Samples:
    """Two reeds a third apart, in one to three blasts."""
    t = _times(seconds)
    f = rng.uniform(360, 450)
    tone = np.tanh(
        1.6
        * sum(_harmonics(2 * np.pi * k * f * t, (1, 0.8, 0.6, 0.5, 0.4, 0.3)) for k in (1.0, 1.24))
    )
    blasts = int(rng.integers(1, 2 + (seconds > 0.9) + (seconds > 1.5)))
    inside = (t * blasts / seconds) % 1.0 < (1.0 if blasts == 1 else 0.72)
    return _unit(tone * lfilter([0.01], [1, -0.99], inside.astype(np.float64)))


def glass(rng: np.random.Generator, seconds: float) -> Samples:
    """A crack, then a shower of ringing splinters."""
    t = _times(seconds)
    out = band(rng.standard_normal(len(t)), 1800, 12000) * np.exp(-t * 26) * 3.5
    for _ in range(70):
        delay = float(rng.exponential(0.22 * seconds))
        first = int(delay * SAMPLE_RATE)
        if first >= len(t) - 400:
            continue
        ring = t[: len(t) - first]
        f, decay = rng.uniform(2200, 9500), rng.uniform(14, 60)
        out[first:] += (
            rng.uniform(0.2, 1)
            * np.exp(-delay * 2)
            * np.sin(2 * np.pi * f * ring)
            * np.exp(-ring * decay)
        )
    return _unit(out)


MAKERS: dict[str, Maker] = {
    "ambulance": ambulance,
    "police": police,
    "melody_truck": melody_truck,
    "train": train,
    "sports_car": sports_car,
    "horn": horn,
    "glass": glass,
}


def make(kind: str, seed: int, seconds: float, real: list[Samples] | None = None) -> Samples:
    """A kind's sound of about `seconds`: from a real one, where there is any, or synthesised."""
    rng = np.random.default_rng([seed, 3])
    if not real:
        return MAKERS[kind](rng, seconds)
    clip = real[int(rng.integers(len(real)))].astype(np.float64)
    return _unit(_repeated(clip, max(int(seconds * SAMPLE_RATE), 64)))


def _repeated(clip: Floats, n: int) -> Floats:
    """A clip cut, or repeated with cross-fades of a tenth of a second, to n samples."""
    fade = min(SAMPLE_RATE // 10, len(clip) // 4)
    step = max(len(clip) - fade, 1)
    ramp = np.minimum(np.arange(1, len(clip) + 1) / max(fade, 1), 1.0)
    shaped = clip * np.minimum(ramp, ramp[::-1])
    out = np.zeros(n + len(clip))
    for first in range(0, n, step):
        out[first : first + len(clip)] += shaped
    return out[:n]
