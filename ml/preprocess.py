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


def clip_crops(frames: Frames) -> Frames:
    """Group crops by clip: u8 (5n, H, W, 3) -> (2n, 5, 224, 224, 3), crop 0 then 1 of each clip.

    Raises ValueError where the number of frames is not a multiple of five.
    """
    if len(frames) % CLIP_FRAMES:
        raise ValueError(f"{len(frames)} frames are not whole clips of {CLIP_FRAMES}.")
    clips = len(frames) // CLIP_FRAMES
    crops = two_crops(frames).reshape(2, clips, CLIP_FRAMES, CROP, CROP, 3)
    return np.ascontiguousarray(crops.swapaxes(0, 1)).reshape(-1, CLIP_FRAMES, CROP, CROP, 3)


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
    if not samples.size:
        return np.zeros((0, MEL_BINS, MEL_FRAMES), np.float32)
    seconds = torch.from_numpy(np.ascontiguousarray(samples, np.float32)).view(-1, SAMPLE_RATE)
    spectrum, filters = _mel_transform()
    with torch.inference_mode():
        power = spectrum(seconds)
        mel = torch.matmul(filters, power)
        decibels = 10 * torch.log10(mel.clamp_min(1e-10))
        floor = decibels.amax(dim=(1, 2), keepdim=True) - TOP_DB
        return np.asarray(torch.maximum(decibels, floor).numpy(), np.float32)


@cache
def _mel_transform() -> tuple["torch.nn.Module", "torch.Tensor"]:
    from ml import thirdparty

    mel = thirdparty.torchaudio().transforms.MelSpectrogram(
        SAMPLE_RATE,
        n_fft=N_FFT,
        hop_length=HOP,
        n_mels=MEL_BINS,
        f_min=F_MIN,
        f_max=F_MAX,
        power=2.0,
        norm="slaney",
        mel_scale="slaney",
    )
    return mel.spectrogram, mel.mel_scale.fb.T.contiguous()
