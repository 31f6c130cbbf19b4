"""The trunk with what it is taught by: a head that answers, and one that tells designs apart."""

import torch
from torch import Tensor, nn

from ml.encoders import TRUNK_FEATURES, VideoTrunk, seeded, video_encoder
from ml.preprocess import PIXEL_MEAN, PIXEL_STD
from ml.pretrain.answers import ANSWERS

APART = 128


class Pupil(nn.Module):
    """X3D-M's trunk, pooled by its peaks, and two heads that are thrown away afterwards."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.encoder = _with_silu(video_encoder(seed))
        self.trunk = VideoTrunk(self.encoder, peaks=True)
        with seeded(seed):
            self.tell = nn.Linear(TRUNK_FEATURES, ANSWERS)
            self.apart = nn.Sequential(
                nn.Linear(TRUNK_FEATURES, 256), nn.ReLU(), nn.Linear(256, APART)
            )

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map u8 clips (n, 5, S, S, 3) to features (n, 432), answers (n, ANSWERS), z (n, 128)."""
        pixels = (frames.permute(0, 4, 1, 2, 3).float() / 255 - PIXEL_MEAN) / PIXEL_STD
        features: Tensor = self.trunk(pixels.contiguous(memory_format=torch.channels_last_3d))
        return features, self.tell(features), nn.functional.normalize(self.apart(features), dim=1)


def _with_silu(module: nn.Module) -> nn.Module:
    """Replace pytorchvideo's own Swish, x * sigmoid(x), by torch's, whose gradient is faster."""
    for name, child in module.named_children():
        if type(child).__name__ == "Swish":
            setattr(module, name, nn.SiLU())
        else:
            _with_silu(child)
    return module


def lesson(
    told: Tensor, z: Tensor, answers: Tensor, design: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return what is lost in answering and in telling designs apart.

    The first is the cross-entropy of yes and no. The second is the multi-positive InfoNCE of
    Khosla et al. (2020), "Supervised contrastive learning", Eq. 2: clips of a design against all
    others of the batch.
    """
    answering = nn.functional.binary_cross_entropy_with_logits(told, answers)
    same = design[:, None] == design[None, :]
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    logits = (z @ z.T / temperature).masked_fill(itself, -torch.inf)
    log_share = logits - logits.logsumexp(dim=1, keepdim=True)
    positive = same & ~itself
    found = log_share.masked_fill(~positive, 0).sum(dim=1) / positive.sum(dim=1)
    return answering, -found.mean()
