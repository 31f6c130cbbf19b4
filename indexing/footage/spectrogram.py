"""A recording's sound as a picture, drawn from its kept log-mels: nothing is decoded again."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError

from indexing.arrays import Doubles, Floats
from indexing.files import absolute
from indexing.footage.features import log_mels
from indexing.footage.levels import loudness
from indexing.models import Recording
from ml.preprocess import MEL_BINS, MEL_FRAMES
from ml.refusal import Refusal

WIDEST = 2000
# A second whose level, in dB, lies under this holds no more than the rounding of 16-bit samples.
SILENT_DB = -75.0
# Around the quietest and loudest seconds: a bin lies above its second's mean, or far under it.
BELOW_DB, ABOVE_DB = 12.0, 20.0
LEAST_SPAN_DB = 40.0
# From nothing heard over the page's green and amber to nearly white; entry 0 is seen through.
STOPS = (0.0, 0.4, 0.75, 1.0)
COLOURS = ((7, 11, 11), (24, 110, 98), (242, 179, 93), (255, 250, 235))

Bytes = NDArray[np.uint8]


class SoundGone(Refusal):
    """What was kept of the sound is missing or broken at this moment."""


def spectrogram(recording: Recording, seconds: range, width: int, height: int) -> bytes:
    """Draw some seconds of a recording's sound as a PNG, low tones below, quiet ones dark.

    The scale is the recording's own, so pieces of one recording fit each other. Where there is no
    sound, or its log-mels are not kept yet, one sees through it.

    Raises:
        SoundGone: a file is not there, or not whole; a picture with a hole would be kept as true.
    """
    levels = loudness(recording)
    drawn = _columns(recording, levels, seconds, width)
    starts = np.linspace(0, MEL_BINS, height, endpoint=False).astype(np.int64)
    return _png(_shades(np.fmax.reduceat(drawn, starts, axis=0)[::-1], *_scale(levels)))


def _columns(recording: Recording, levels: Doubles, seconds: range, width: int) -> Floats:
    """Return the largest values of each column, dB (128, width); NaN where nothing is known.

    Where a column lasts longer than a second, its loudest second stands for it: a horn is seen in
    a picture of a day, and no more clips are read than the picture has columns.
    """
    chosen = np.arange(seconds.start, seconds.stop)
    if len(chosen) > width:
        parts = np.array_split(chosen, width)
        heard = np.nan_to_num(levels, nan=-np.inf)
        chosen = np.array([part[heard[part].argmax()] for part in parts])
    frames = _frames(recording, chosen, -(-width // len(chosen)))
    starts = np.linspace(0, frames.shape[1], width, endpoint=False).astype(np.int64)
    return np.asarray(np.fmax.reduceat(frames, starts, axis=1), np.float32)


def _frames(recording: Recording, chosen: NDArray[np.int64], least: int) -> Floats:
    """Return the log-mels of chosen seconds (n,) in a row, of at least so many frames a second.

    dB (128, n * frames), where frames is a power of two, at most the 64 that are kept.
    """
    frames = min(MEL_FRAMES, 1 << (least - 1).bit_length())
    found = np.full((len(chosen), MEL_BINS, frames), np.nan, np.float32)
    chunks = recording.chunks.exclude(features="")
    for start, clips, file in chunks.values_list("start_s", "clips", "features"):
        here = np.flatnonzero((chosen >= start) & (chosen < start + clips))
        if not len(here):
            continue
        try:
            mel = log_mels(absolute(file), (chosen[here] - start).tolist())
        except (OSError, SafetensorError) as error:
            raise SoundGone(
                "The sound of this stretch is being read anew; try again in a minute."
            ) from error
        found[here] = mel.reshape(len(here), MEL_BINS, frames, -1).max(axis=3)
    return found.transpose(1, 0, 2).reshape(MEL_BINS, -1)


def _scale(levels: Doubles) -> tuple[float, float]:
    """Return the dB that are darkest and brightest, by how loud the recording's seconds are."""
    heard = levels[np.isfinite(levels)]
    if not len(heard):
        return 0.0, LEAST_SPAN_DB
    low, high = np.percentile(heard, (10, 99.9))
    low, high = low - BELOW_DB, high + ABOVE_DB
    return float(low), float(max(high, low + LEAST_SPAN_DB))


def _shades(drawn: Floats, low: float, high: float) -> Bytes:
    """Return the colours' numbers, uint8 (height, width): 0 for nothing, then dark to bright."""
    share = np.clip((np.nan_to_num(drawn, nan=low) - low) / (high - low), 0, 1)
    return np.where(np.isnan(drawn), 0, 1 + np.round(254 * share)).astype(np.uint8)


def _png(shades: Bytes) -> bytes:
    shares = np.linspace(0, 1, 255)
    columns = [np.interp(shares, STOPS, channel) for channel in zip(*COLOURS, strict=True)]
    palette = np.vstack([[0, 0, 0], np.stack(columns, axis=1)]).round().astype(np.uint8)
    picture = Image.fromarray(shades, mode="L")
    picture.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", transparency=0)
    return buffer.getvalue()
