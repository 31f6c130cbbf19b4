"""From decoded frames and samples to what the encoders eat (Wang et al. 2025, section 3.1).

A clip is one second: five frames and 44,100 samples. Nothing here looks across the edge of a clip,
so a clip's numbers do not depend on how a recording was cut into chunks.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

CLIP_FRAMES = 5
SAMPLE_RATE = 44_100
CROP = 224

# Adapa (2019), urban sound tagging; the paper's "256" for N_FFT is a slip.
N_FFT = 2560
HOP = 694
MEL_BINS = 128
MEL_FRAMES = 64
F_MIN = 20.0
F_MAX = 22_050.0
TOP_DB = 80.0

# X3D's own normalisation, after division by 255.
PIXEL_MEAN = 0.45
PIXEL_STD = 0.225

Frames = NDArray[np.uint8]
Floats = NDArray[np.float32]


def two_crops(frames: Frames) -> Frames:
    """Cut the square at each end of the long side: u8 (T, H, W, 3) -> (2, T, 224, 224, 3).

    The shorter side must be 224 pixels and the longer at most 448, so that the two squares cover
    the frame; they overlap by whatever is left. First the left (or top), then the right (bottom).
    Raises ValueError for other shapes.
    """
    height, width = frames.shape[1:3]
    if min(height, width) != CROP or max(height, width) > 2 * CROP:
        raise ValueError(f"Frames of {height} x {width} pixels cannot be covered by two crops.")
    first = frames[:, :CROP, :CROP]
    last = frames[:, height - CROP :, width - CROP :]
    return np.stack([first, last])


def clip_tensor(crops: Frames) -> "torch.Tensor":
    """Normalise crops for E_v: u8 (n, 5, 224, 224, 3) -> float32 tensor (n, 3, 5, 224, 224)."""
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 4, 1, 2, 3)
    return (pixels.float() / 255 - PIXEL_MEAN) / PIXEL_STD


def log_mel(samples: Floats) -> Floats:
    """Log-mel spectrogram of every second: f32 (n * 44100,) in [-1, 1] -> dB f32 (n, 128, 64).

    Each second's spectrogram comes from that second's samples alone (its edges are reflected), so
    no clip hears its neighbour. Levels are relative to full scale, the quietest no more than 80 dB
    under the clip's loudest. Raises ValueError where the samples are not whole seconds.
    """
    import torch

    if samples.ndim != 1 or samples.size % SAMPLE_RATE:
        raise ValueError(f"{samples.size} samples are not whole seconds of {SAMPLE_RATE}.")
    seconds = torch.from_numpy(np.ascontiguousarray(samples, np.float32)).view(-1, SAMPLE_RATE)
    # A few seconds at a time stay in the processor's cache: three times as fast as all at once.
    parts = range(0, len(seconds), 4)
    mel = [_mel_decibels(seconds[start : start + 4]) for start in parts]
    return np.concatenate([np.zeros((0, MEL_BINS, MEL_FRAMES), np.float32), *mel])


def _mel_decibels(seconds: "torch.Tensor") -> Floats:
    """Log-mel of seconds (n, 44100), in float64 up to the power: 80 dB outreach a float32 FFT."""
    import torch

    from ml import thirdparty

    with torch.inference_mode():
        power = thirdparty.torchaudio().functional.spectrogram(
            seconds.double(),
            pad=0,
            window=torch.hann_window(N_FFT, dtype=torch.float64),
            n_fft=N_FFT,
            hop_length=HOP,
            win_length=N_FFT,
            power=2.0,
            normalized=False,
        )
        mel = torch.matmul(torch.from_numpy(mel_filters()), power.float())
        decibels = 10 * torch.log10(mel.clamp_min(1e-10))
        floor = decibels.amax(dim=(1, 2), keepdim=True) - TOP_DB
        return np.asarray(torch.maximum(decibels, floor).numpy(), np.float32)


@cache
def mel_filters() -> Floats:
    """Slaney's triangular filters, each of unit area: f32 (128, 1281).

    Computed in float64: torchaudio's own, in float32, are 1.5e-4 dB off in the narrowest bands.
    """
    edges = _mel_to_hertz(
        np.linspace(_hertz_to_mel(F_MIN), _hertz_to_mel(F_MAX), MEL_BINS + 2, dtype=np.float64)
    )
    hertz = np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
    widths = np.diff(edges)
    rising = -(edges[:-2, None] - hertz) / widths[:-1, None]
    falling = (edges[2:, None] - hertz) / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def _hertz_to_mel(hertz: float) -> float:
    """Slaney's scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def _mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
