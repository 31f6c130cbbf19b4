"""The sides of a training: E_v's head, the descriptor beside it, and E_a, layer by layer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml.encoders import EMBEDDING, AudioEncoder, VideoHead

# A branch has few clips to learn from for its width.
BRANCH_DROPOUT = 0.3


class VideoSide(nn.Module):
    """E_v from its trunk's features on, and beside it a small branch for the descriptor.

    The branch gives a trunk of random weights something to see; it is no part of the paper's E_v,
    and without a descriptor (`descriptor` = 0 columns) there is none. Without `trunk` the branch is
    all there is.
    """

    def __init__(self, descriptor: int, width: int, dropout: float, *, trunk: bool = True) -> None:
        super().__init__()
        self.head = VideoHead(dropout)
        if not trunk:
            # It stays zero: at zero a ReLU passes no gradient back, and decay has nothing to take.
            nn.init.zeros_(self.head.project.weight)
        self.branch = _branch(descriptor, width)

    def forward(self, trunk: Tensor, descriptor: Tensor) -> Tensor:
        """Embeddings (m, 512) of one crop's features (m, 432) and the descriptor (m, F)."""
        embedding: Tensor = self.head(trunk)
        return embedding if self.branch is None else embedding + self.branch(descriptor)

    def layers(self) -> list[nn.Module]:
        """Its layers from the top."""
        branch = [] if self.branch is None else list(self.branch)
        top, bottom = [self.head.embed, self.head.dropout, *branch[1:]], branch[:1]
        return [nn.ModuleList(top), nn.ModuleList([self.head.project, *bottom])]


class AudioSide(nn.Module):
    """E_a, and beside it a small branch for the sound statistics, from which it need not begin.

    Without a descriptor (0 columns) there is no branch, and it is the paper's E_a.
    """

    def __init__(self, descriptor: int, width: int) -> None:
        super().__init__()
        self.encoder = AudioEncoder()
        self.branch = _branch(descriptor, width)

    def forward(self, mel: Tensor, descriptor: Tensor) -> Tensor:
        """Embeddings (m, 512) of log-mels (m, 128, 64) and the descriptor (m, S)."""
        embedding: Tensor = self.encoder(mel)
        return embedding if self.branch is None else embedding + self.branch(descriptor)

    def layers(self) -> list[nn.Module]:
        """Its layers from the top: the linear one, four stages, the stem."""
        branch = [] if self.branch is None else list(self.branch)
        top, bottom = [self.encoder.embed, *branch[1:]], [self.encoder.stem, *branch[:1]]
        stages = reversed(list(self.encoder.stages))
        return [nn.ModuleList(top), *stages, nn.ModuleList(bottom)]


def _branch(descriptor: int, width: int) -> nn.Sequential | None:
    """Make what turns a descriptor into an embedding; None without a descriptor."""
    if not descriptor:
        return None
    return nn.Sequential(
        nn.Linear(descriptor, width),
        nn.ReLU(),
        nn.Dropout(BRANCH_DROPOUT),
        nn.Linear(width, EMBEDDING),
    )


def open_layers(layers: Sequence[nn.Module], count: int) -> None:
    """Let the first `count` layers learn; the others keep weights and statistics as they are."""
    for number, layer in enumerate(layers):
        layer.train(number < count)
        for parameter in layer.parameters():
            parameter.requires_grad_(number < count)


def perturbed(inputs: Tensor, dropout: float, noise: float) -> Tensor:
    """Drop values at random, the others made up for it, and add Gaussian noise of that deviation.

    Draws from torch's own generator.
    """
    if dropout:
        inputs = nn.functional.dropout(inputs, dropout)
    if noise:
        inputs = inputs + noise * torch.randn_like(inputs)
    return inputs


@torch.no_grad()
def video_weights(side: VideoSide) -> dict[str, NDArray[np.float32]]:
    """Return the weights of the picture's side as `ml.trained` takes them."""
    head = side.head
    weights = {"project": head.project.weight.T, "embed": head.embed.weight.T}
    return _arrays({**weights, **_branch_weights(side.branch, head.embed.bias)})


@torch.no_grad()
def audio_weights(side: AudioSide) -> dict[str, NDArray[np.float32]]:
    """Return the weights of the sound's side, each batch norm folded into its convolution."""
    encoder = side.encoder
    stem = list(encoder.stem)
    weights = _folded("stem", stem[0], stem[1])
    for stage, blocks in enumerate(encoder.stages.children()):
        for number, block in enumerate(blocks.children()):
            name = f"{stage}.{number}"
            weights |= _folded(f"{name}.conv1", block.conv1, block.norm1)
            weights |= _folded(f"{name}.conv2", block.conv2, block.norm2)
            if isinstance(block.shortcut, nn.Sequential):
                weights |= _folded(f"{name}.shortcut", block.shortcut[0], block.shortcut[1])
    weights["embed"] = encoder.embed.weight.T
    return _arrays({**weights, **_branch_weights(side.branch, encoder.embed.bias)})


def _branch_weights(branch: nn.Sequential | None, bias: Tensor) -> dict[str, Tensor]:
    """Return a branch's weights and the bias of the sum, of which `bias` is the network's part."""
    if branch is None:
        return {"embed.bias": bias}
    inner, outer = (layer for layer in branch if isinstance(layer, nn.Linear))
    return {
        "branch.0": inner.weight.T,
        "branch.0.bias": inner.bias,
        "branch.1": outer.weight.T,
        "embed.bias": bias + outer.bias,
    }


def _folded(name: str, layer: Any, norm: Any) -> dict[str, Tensor]:
    """Fold a batch norm into its convolution: (out, in, k) -> a matrix (k * in, out) and a bias."""
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    matrix = (layer.weight * factor[:, None, None]).permute(2, 1, 0).flatten(0, 1)
    return {name: matrix, f"{name}.bias": norm.bias - norm.running_mean * factor}


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {
        name: np.array(weight.numpy(), np.float32, order="C") for name, weight in weights.items()
    }
