"""Published weights of image networks: read without running anything, checked, then used.

The layouts are torchvision's, so that its published files can be imported as they are.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ml.weights import WeightsError

State = dict[str, Tensor]


def load_into(net: nn.Module, path: Path, *, without: tuple[str, ...], origin: str) -> str:
    """Load a checkpoint's weights into a network of the same layout; return what to call them.

    Entries that begin with one of `without` (the classifier, of any number of classes) are neither
    needed nor read. Pickled code is never run. Raises WeightsError with one sentence for a file
    that is missing, damaged, of another network, or holds values that are not finite numbers.
    """
    state = _read(path, origin)
    kept = {name: t for name, t in state.items() if not name.startswith(without)}
    expected = {
        name: tensor for name, tensor in net.state_dict().items() if not name.startswith(without)
    }
    for name, tensor in expected.items():
        # Files older than this counter lack it, and nothing here reads it.
        if name not in kept and not name.endswith("num_batches_tracked"):
            raise WeightsError(f"{path.name} lacks “{name}”, so it is not {origin}'s network.")
        if name in kept:
            _check(path.name, name, kept[name], tuple(tensor.shape))
    if extra := sorted(kept.keys() - expected.keys()):
        raise WeightsError(f"{path.name} holds “{extra[0]}”, which {origin}'s network has not.")
    net.load_state_dict(kept, strict=False)
    with path.open("rb") as file:
        return f"{origin} {hashlib.file_digest(file, 'sha256').hexdigest()[:8]}"


def _read(path: Path, origin: str) -> Mapping[str, Any]:
    """Return a file's state dictionary, which may lie under “state_dict”."""
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its many parsers raise
        raise WeightsError(
            f"{path.name} is not a readable PyTorch checkpoint of {origin}: it is truncated, "
            "damaged or of another kind."
        ) from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise WeightsError(f"{path.name} holds no weights by name; {origin}'s file does.")
    return state


def _check(file: str, name: str, tensor: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(tensor, Tensor) or tuple(tensor.shape) != shape:
        found = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
        raise WeightsError(f"In {file}, “{name}” is {found} where {shape} is expected.")
    if not torch.isfinite(tensor).all():
        raise WeightsError(f"In {file}, “{name}” holds values that are not finite numbers.")


def settle(net: nn.Module, run: Callable[[Tensor], Tensor], batch: Tensor) -> None:
    """Set every batch norm's statistics to those of one batch that `run` takes through the net.

    Weights drawn at random shrink a signal by orders of magnitude, block by block, until nothing is
    left of it in float32; a batch norm that knows the signal's size undoes that. Leaves the network
    in eval mode.
    """
    norms = [m for m in net.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average
    net.train()
    with torch.no_grad():
        run(batch)
    net.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
