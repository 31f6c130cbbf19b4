"""Pretrained trunk weights: from a published checkpoint to one checked safetensors file.

The paper starts E_v from X3D-M trained on Kinetics-400 (Wang et al. 2025, section 3.2), which is
published in PyTorchVideo's model zoo. Nothing here trusts a file: pickled code is never run, and
every name, shape and value is checked before anything is kept.
"""

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ml.encoders import video_encoder
from ml.refusal import Refusal

KINETICS_URL = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics/X3D_M.pyth"
KINETICS = "kinetics-400"
KINETICS_CLASSES = 400
FORMAT = "reprise-trunk-1"
CLASSIFIER = "blocks.5.proj."

State = dict[str, Tensor]


class WeightsError(Refusal):
    """Weights that cannot be used; `sentence` says why, for the person who brought the file."""


@dataclass(frozen=True)
class TrunkWeights:
    """X3D-M without its classifier, under pytorchvideo's names, and where it came from."""

    state: State
    origin: str
    source_sha256: str
    # Taught on what moves, cut out of its background, and pooled by its peaks (`ml.pretrain`).
    cut_out: bool = False

    @property
    def name(self) -> str:
        """What pages and results call these weights."""
        return f"x3d-m {self.origin} {self.source_sha256[:8]}"


def import_kinetics(path: Path) -> State:
    """Read `X3D_M.pyth` and return its checked weights without the classifier of 400 classes.

    Raises WeightsError for a file that is missing, truncated, not a checkpoint, of another network,
    or that holds values that are not numbers.
    """
    checkpoint = _unpickle(path)
    state = checkpoint.get("model_state") if isinstance(checkpoint, Mapping) else None
    if not isinstance(state, Mapping):
        raise WeightsError(
            f"{path.name} has no “model_state”, so it is not a PyTorchVideo checkpoint; "
            f"fetch {KINETICS_URL}."
        )
    expected = {name: tuple(t.shape) for name, t in video_encoder().state_dict().items()}
    expected[f"{CLASSIFIER}weight"] = (KINETICS_CLASSES, 2048)
    expected[f"{CLASSIFIER}bias"] = (KINETICS_CLASSES,)
    _check(path.name, state, expected)
    return {
        name: tensor.float().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
        if not name.startswith(CLASSIFIER)
    }


def save_trunk_weights(path: Path, weights: TrunkWeights) -> None:
    """Write checked weights as safetensors; the caller makes the name appear atomically."""
    metadata = {
        "format": FORMAT,
        "origin": weights.origin,
        "source_sha256": weights.source_sha256,
        "cut_out": "yes" if weights.cut_out else "no",
    }
    save_file(weights.state, str(path), metadata)


def load_trunk_weights(path: Path) -> TrunkWeights:
    """Read what `save_trunk_weights` wrote; raises WeightsError where that is not what it is."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"The trunk weights {path.name} cannot be read ({error}); import them again."
        ) from error
    if metadata.get("format") != FORMAT:
        raise WeightsError(f"{path.name} is not a file of trunk weights; import them again.")
    expected = {
        name: tuple(t.shape)
        for name, t in video_encoder().state_dict().items()
        if not name.startswith(CLASSIFIER)
    }
    _check(path.name, state, expected)
    whole = {n: t.float() if t.is_floating_point() else t for n, t in state.items()}
    cut_out = metadata.get("cut_out") == "yes"
    return TrunkWeights(whole, metadata["origin"], metadata["source_sha256"], cut_out)


def pretrained_encoder(weights: TrunkWeights, seed: int = 0) -> nn.Module:
    """E_v with these weights; its last layer, 2048 -> 512, is new and drawn from `seed`."""
    encoder = video_encoder(seed)
    encoder.load_state_dict({**encoder.state_dict(), **weights.state})
    return encoder


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpickle(path: Path) -> Any:
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of protocols before it refuses them
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its many parsers raise
        raise WeightsError(
            f"{path.name} is not a readable PyTorch checkpoint: it is truncated, damaged or of "
            f"another kind; fetch {KINETICS_URL} again."
        ) from error


def _check(file: str, state: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Compare names, shapes and values with X3D-M's; raise WeightsError at the first difference."""
    if missing := sorted(expected.keys() - state.keys()):
        raise WeightsError(f"{file} lacks {_some(missing)}, so it is not X3D-M.")
    if extra := sorted(state.keys() - expected.keys()):
        raise WeightsError(f"{file} holds {_some(extra)}, which X3D-M has not.")
    for name, shape in expected.items():
        tensor = state[name]
        if not isinstance(tensor, Tensor) or tuple(tensor.shape) != shape:
            found = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise WeightsError(
                f"In {file}, “{name}” is {found} where X3D-M has {shape}: it is of another size."
            )
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"In {file}, “{name}” holds values that are not finite numbers.")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"“{names[0]}”{more}"
