"""EfficientNet-B0 on single frames (Wang et al. 2025, section 4.2.3), ImageNet's weights or random.

It needs frames, which a camera does not keep: compute its features while they are there, and hand
them over as `frame_features`. Our reading of "single frames": the middle
one of a clip's five, its two crops' features averaged as those of E_v are.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ml.baselines.checkpoints import load_into, settle
from ml.baselines.convolutions import FEATURES, EfficientNetB0
from ml.baselines.descent import seeded
from ml.preprocess import CLIP_FRAMES, CROP, two_crops

URL = "https://download.pytorch.org/models/efficientnet_b0_rwightman-3dd342df.pth"
RANDOM_SEED = 0
BATCH = 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Frames = NDArray[np.uint8]
Floats = NDArray[np.float32]


class FrameNetwork:
    """EfficientNet-B0 at work: frames in, features out."""

    def __init__(self, weights: Path | None = None) -> None:
        with seeded(RANDOM_SEED):
            self._net = EfficientNetB0().eval()
            if weights is None:
                # Smooth noise is nearer to a picture than white noise is.
                noise = torch.randn(BATCH, 3, CROP // 16, CROP // 16)
                pictures = torch.nn.functional.interpolate(noise, size=(CROP, CROP))
                settle(self._net, self._net, pictures)
        self.name = f"random (seed {RANDOM_SEED})"
        if weights is not None:
            self.name = load_into(self._net, weights, without=("classifier.",), origin="ImageNet")

    def features(self, frames: Frames, *, on_batch: Callable[[], None] | None = None) -> Floats:
        """Features of every clip's middle frame: u8 (5n, H, W, 3) -> f32 (n, 1280).

        Raises ValueError where the frames are not whole clips or not as `preprocess` wants them.
        """
        if len(frames) % CLIP_FRAMES:
            raise ValueError(f"{len(frames)} frames are not whole clips of {CLIP_FRAMES}.")
        middle = frames[CLIP_FRAMES // 2 :: CLIP_FRAMES]
        features = np.empty((len(middle), FEATURES), np.float32)
        for start in range(0, len(middle), BATCH):
            crops = two_crops(middle[start : start + BATCH])
            features[start : start + BATCH] = self._run(crops.reshape(-1, CROP, CROP, 3))
            if on_batch is not None:
                on_batch()
        return features

    def _run(self, crops: Frames) -> Floats:
        """Mean features of (2b, 224, 224, 3), the first crops before the second -> (b, 1280)."""
        pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float() / 255
        normal = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        with torch.inference_mode():
            pooled = self._net(normal).view(2, -1, FEATURES).mean(dim=0)
        return np.asarray(pooled.numpy(), np.float32)
