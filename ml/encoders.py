"""The two encoders of Wang et al. (2025), section 3.2, at exactly the paper's sizes.

E_v is X3D-M (Feichtenhofer, 2020) built for five frames, its classifier replaced by a linear layer
2048 -> 512: 4,023,762 parameters. E_a is a one-dimensional ResNet-18 (He et al., 2016) over time,
the 128 mel bins being its input channels: 4,163,456 parameters. Embeddings are not normalised.

E_v is also used in two halves: a trunk up to the pooled 432 features, slow and shared by every
camera, and a head 432 -> 2048 -> 512, small and trained per camera.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ml import thirdparty
from ml.preprocess import CLIP_FRAMES, CROP, MEL_BINS

EMBEDDING = 512
TRUNK_FEATURES = 432
VIDEO_PARAMETERS = 4_023_762
AUDIO_PARAMETERS = 4_163_456


def video_encoder(seed: int = 0) -> nn.Module:
    """E_v, (n, 3, 5, 224, 224) -> (n, 512), with weights drawn from `seed`, in eval mode.

    The module and parameter names are pytorchvideo's, as in its published checkpoints.
    """
    with seeded(seed):
        net: nn.Module = thirdparty.x3d().create_x3d(
            input_clip_length=CLIP_FRAMES,
            input_crop_size=CROP,
            model_num_class=EMBEDDING,
            head_activation=None,
        )
    return net.eval()


class Peaks(nn.Module):
    """Pool maps (n, c, t, h, w) by the strongest place of their mean over time: (n, c, 1, 1, 1).

    The mean over all places, which is X3D's own, drowns what fills 2 % of them.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Pool."""
        return maps.mean(dim=2, keepdim=True).amax(dim=(3, 4), keepdim=True)


class VideoTrunk(nn.Module):
    """E_v up to the pooling of its head: (n, 3, 5, 224, 224) -> (n, 432).

    Pooled by the mean, as X3D is, or by `peaks`. Of any size where pooled by peaks.
    """

    def __init__(self, encoder: nn.Module, *, peaks: bool = False) -> None:
        super().__init__()
        *stages, head = _children(encoder, "blocks")
        pool = head.get_submodule("pool")
        self.stages = nn.Sequential(*stages)
        before = [pool.get_submodule(name) for name in ("pre_conv", "pre_norm", "pre_act")]
        self.pool = nn.Sequential(*before, Peaks() if peaks else pool.get_submodule("pool"))

    def forward(self, clips: Tensor) -> Tensor:
        """Pooled features of clips (n, 3, 5, 224, 224), normalised as `preprocess` does."""
        features: Tensor = self.pool(self.stages(clips))
        return features.flatten(1)


class VideoHead(nn.Module):
    """The rest of E_v: (n, 432) -> 2048 -> (n, 512), with X3D's dropout of one half between."""

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.project = nn.Linear(TRUNK_FEATURES, 2048, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(2048, EMBEDDING)

    def forward(self, features: Tensor) -> Tensor:
        """Embeddings of pooled trunk features (n, 432), not normalised."""
        embedding: Tensor = self.embed(self.dropout(torch.relu(self.project(features))))
        return embedding


def split(encoder: nn.Module, *, peaks: bool = False) -> tuple[VideoTrunk, VideoHead]:
    """Split E_v into its trunk, which shares the encoder's modules, and its head, a copy.

    `head(trunk(x))` equals `encoder(x)`, unless the trunk is pooled by its `peaks`: the head's
    convolutions have 1x1x1 kernels and work on a single pooled position, so they are linear layers.
    """
    trunk, head = VideoTrunk(encoder, peaks=peaks), VideoHead()
    state = encoder.state_dict()
    head.load_state_dict(
        {
            "project.weight": state["blocks.5.pool.post_conv.weight"].flatten(1),
            "embed.weight": state["blocks.5.proj.weight"],
            "embed.bias": state["blocks.5.proj.bias"],
        }
    )
    head.train(encoder.training)
    return trunk, head


class ResidualBlock(nn.Module):
    """The basic block of ResNet-18 over one dimension."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(width_in, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm1d(width)
        self.conv2 = nn.Conv1d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm1d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or width_in != width:
            self.shortcut = nn.Sequential(
                nn.Conv1d(width_in, width, 1, stride, bias=False), nn.BatchNorm1d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, width_in, t) to (n, width, ceil(t / stride))."""
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class AudioEncoder(nn.Module):
    """E_a: log-mel (n, 128, 64) -> (n, 512); mel bins are channels, time is convolved."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(MEL_BINS, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.MaxPool1d(3, stride=2, padding=1),
        )
        widths = ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
        self.stages = nn.Sequential(
            *(
                nn.Sequential(ResidualBlock(w_in, w, s), ResidualBlock(w, w, 1))
                for w_in, w, s in widths
            )
        )
        self.embed = nn.Linear(512, EMBEDDING)

    def forward(self, mel: Tensor) -> Tensor:
        """Embeddings of log-mel spectrograms (n, 128, 64) in dB, not normalised."""
        embedding: Tensor = self.embed(self.stages(self.stem(mel)).mean(dim=2))
        return embedding


def audio_encoder(seed: int = 0) -> AudioEncoder:
    """E_a with weights drawn from `seed`, in eval mode."""
    with seeded(seed):
        return AudioEncoder().eval()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from `seed` inside, and leave torch's own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _children(module: nn.Module, name: str) -> list[nn.Module]:
    return list(module.get_submodule(name).children())
