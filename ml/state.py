"""The state of modules and of an optimiser as named numpy arrays, and back, bit for bit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Arrays = Mapping[str, NDArray[np.generic]]


def of_module(module: nn.Module, prefix: str) -> dict[str, NDArray[np.generic]]:
    """Return copies of all weights and statistics, as `prefix.name`, from wherever they lie."""
    state = module.state_dict()
    return {f"{prefix}.{name}": tensor.cpu().numpy().copy() for name, tensor in state.items()}


def into_module(module: nn.Module, prefix: str, arrays: Arrays) -> None:
    """Set what `of_module` gave out.

    Raises KeyError for a name that is missing and ValueError for a shape or kind that differs.
    """
    state = module.state_dict()
    for name, tensor in state.items():
        array = arrays[f"{prefix}.{name}"]
        if array.shape != tuple(tensor.shape) or array.dtype != tensor.cpu().numpy().dtype:
            raise ValueError(f"“{prefix}.{name}” is {array.shape}, not {tuple(tensor.shape)}")
        state[name] = torch.from_numpy(array.copy())
    module.load_state_dict(state)


def of_optimizer(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, NDArray[np.generic]]:
    """Return copies of what it keeps of each parameter, as `prefix.number.name`."""
    return {
        f"{prefix}.{number}.{name}": torch.as_tensor(value).cpu().numpy().copy()
        for number, kept in optimizer.state_dict()["state"].items()
        for name, value in kept.items()
    }


def into_optimizer(optimizer: torch.optim.Optimizer, prefix: str, arrays: Arrays) -> None:
    """Set what `of_optimizer` gave out; parameters never trained so far have nothing.

    Raises IndexError or ValueError for a parameter that is not there or of another shape.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    kept: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        if name.startswith(f"{prefix}."):
            number, part = name.removeprefix(f"{prefix}.").split(".")
            parameter = parameters[int(number)]
            if array.ndim and array.shape != tuple(parameter.shape):
                raise ValueError(f"“{name}” is {array.shape}")
            kept.setdefault(int(number), {})[part] = torch.from_numpy(array.copy())
    optimizer.load_state_dict({**optimizer.state_dict(), "state": kept})
