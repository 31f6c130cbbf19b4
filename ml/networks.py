"""The sides of a training: E_v's head, the descriptor beside it, and E_a, layer by layer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml.encoders import EMBEDDING, AudioEncoder, VideoHead


class VideoSide(nn.Module):
    """E_v from its trunk's features on, and beside it a small branch for the descriptor.

    The branch gives a trunk of random weights something to see; it is no part of the paper's E_v,
    and without a descriptor (`descriptor` = 0 columns) there is none.
    """

    def __init__(self, descriptor: int, width: int, dropout: float) -> None:
        super().__init__()
        self.head = VideoHead(dropout)
        self.branch: nn.Sequential | None = None
        if descriptor:
            self.branch = nn.Sequential(
                nn.Linear(descriptor, width), nn.ReLU(), nn.Linear(width, EMBEDDING)
            )

    def forward(self, trunk: Tensor, descriptor: Tensor) -> Tensor:
        """Embeddings (m, 512) of one crop's features (m, 432) and the descriptor (m, F)."""
        embedding: Tensor = self.head(trunk)
        return embedding if self.branch is None else embedding + self.branch(descriptor)

    def layers(self) -> list[nn.Module]:
        """Its layers from the top."""
        branch = [] if self.branch is None else list(self.branch)
        top, bottom = [self.head.embed, self.head.dropout, *branch[1:]], branch[:1]
        return [nn.ModuleList(top), nn.ModuleList([self.head.project, *bottom])]


def audio_layers(encoder: AudioEncoder) -> list[nn.Module]:
    """E_a's layers from the top: the linear one, four stages, the stem."""
    return [encoder.embed, *reversed(list(encoder.stages)), encoder.stem]


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
    head, branch = side.head, side.branch
    weights = {"project": head.project.weight.T, "embed": head.embed.weight.T}
    bias: Tensor = head.embed.bias
    if branch is not None:
        inner, outer = (layer for layer in branch if isinstance(layer, nn.Linear))
        weights |= {"branch.0": inner.weight.T, "branch.1": outer.weight.T}
        weights["branch.0.bias"] = inner.bias
        bias = bias + outer.bias
    return _arrays({**weights, "embed.bias": bias})


@torch.no_grad()
def audio_weights(encoder: AudioEncoder) -> dict[str, NDArray[np.float32]]:
    """Return E_a's weights as `ml.trained` takes them, each batch norm folded into its layer."""
    stem = list(encoder.stem)
    weights = _folded("stem", stem[0], stem[1])
    for stage, blocks in enumerate(encoder.stages.children()):
        for number, block in enumerate(blocks.children()):
            name = f"{stage}.{number}"
            weights |= _folded(f"{name}.conv1", block.conv1, block.norm1)
            weights |= _folded(f"{name}.conv2", block.conv2, block.norm2)
            if isinstance(block.shortcut, nn.Sequential):
                weights |= _folded(f"{name}.shortcut", block.shortcut[0], block.shortcut[1])
    embed = {"embed": encoder.embed.weight.T, "embed.bias": encoder.embed.bias}
    return _arrays({**weights, **embed})


def _folded(name: str, layer: Any, norm: Any) -> dict[str, Tensor]:
    """Fold a batch norm into its convolution: (out, in, k) -> a matrix (k * in, out) and a bias."""
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    matrix = (layer.weight * factor[:, None, None]).permute(2, 1, 0).flatten(0, 1)
    return {name: matrix, f"{name}.bias": norm.bias - norm.running_mean * factor}


def _arrays(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {
        name: np.array(weight.numpy(), np.float32, order="C") for name, weight in weights.items()
    }
