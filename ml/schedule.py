"""What is trained in which epoch (Wang et al. 2025, section 3.3). No torch.

As printed: E_v frozen at its pretrained weights while E_a learns from scratch, then both,
iteratively, layer by layer. Our reading of the latter: in turns of a few epochs, E_v and E_a
alternately, each turn opening one more layer from the top, down to a chosen depth.
"""

from dataclasses import dataclass
from typing import Literal

from ml.method import Method

Sides = Literal["both", "video", "audio"]
ALL = 99


@dataclass(frozen=True)
class Stage:
    """What one epoch trains: how many layers of each encoder, from the top, are open."""

    name: str
    video_layers: int
    audio_layers: int
    temporal: bool = False  # temporal pairs only
    pretext: bool = False  # E_a regressed onto the sound statistics


def plan(method: Method, sides: Sides = "both") -> list[Stage]:
    """Return the stage of every epoch; with one modality there is nothing to freeze or to align."""
    if sides == "video":
        return [Stage("picture alone", ALL, 0)] * method.epochs
    pretext = [Stage("sound statistics", 0, ALL, pretext=True)] * method.pretext_epochs
    if sides == "audio":
        return pretext + [Stage("sound alone", 0, ALL)] * method.epochs
    return pretext + [_stage(method, epoch) for epoch in range(method.epochs)]


def _stage(method: Method, epoch: int) -> Stage:
    temporal = epoch < method.temporal_epochs
    if epoch < method.frozen_epochs:
        return Stage("sound, picture frozen", 0, ALL, temporal)
    if method.unfreezing == "together":
        return Stage("picture and sound", method.video_depth, method.audio_depth, temporal)
    turn, audio_turn = divmod((epoch - method.frozen_epochs) // method.layer_epochs, 2)
    if audio_turn:
        layers = min(turn + 1, method.audio_depth)
        return Stage(f"sound, {_layers(layers)}", 0, layers, temporal)
    layers = min(turn + 1, method.video_depth)
    return Stage(f"picture, {_layers(layers)}", layers, 0, temporal)


def _layers(count: int) -> str:
    return "top layer" if count == 1 else f"top {count} layers"
