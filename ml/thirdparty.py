"""Makes torchaudio and pytorchvideo's X3D importable beside a CPU-only torch.

torchaudio's wheels are built for CUDA and their compiled part does not load beside a CPU build of
torch; torchvision's neither. Nothing used here needs those parts: torchaudio's spectrograms are
plain torch, and pytorchvideo wants `torchvision.ops.RoIAlign` only as a name. Where the real ones
load, everything here returns them untouched.
"""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def torchaudio() -> ModuleType:
    """Import torchaudio, without its compiled part where that does not load."""
    if "torchaudio" in sys.modules:
        return sys.modules["torchaudio"]
    try:
        return importlib.import_module("torchaudio")
    except (ImportError, OSError):
        _forget("torchaudio")
    sys.modules["torchaudio._extension"] = _torchaudio_extension()
    return importlib.import_module("torchaudio")


def x3d() -> ModuleType:
    """Import `pytorchvideo.models.x3d`, with a stand-in for torchvision where it is missing."""
    if not _loads("torchvision"):
        _forget("torchvision")
        sys.modules.update(_torchvision())
    with warnings.catch_warnings():
        # fvcore still scripts a loss with torch.jit while it is imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        return importlib.import_module("pytorchvideo.models.x3d")


def openvino() -> ModuleType:
    """Import openvino with its usage reporting switched off, so that nothing calls home.

    Without the module `openvino_telemetry`, OpenVINO falls back on its own do-nothing reporter.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    return importlib.import_module("openvino")


def _torchaudio_extension() -> ModuleType:
    """Build what `torchaudio._extension` is on a build without compiled code."""

    def unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    module = ModuleType("torchaudio._extension")
    module.__dict__.update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        fail_if_no_align=unchanged,
        _check_cuda_version=lambda: None,
    )
    return module


def _torchvision() -> dict[str, ModuleType]:
    """Build a torchvision of one name, `ops.RoIAlign`, which only detection heads ever call."""
    package, ops = ModuleType("torchvision"), ModuleType("torchvision.ops")
    # torch looks installed packages up by their spec, and fails on a module that has none.
    package.__spec__ = importlib.util.spec_from_loader("torchvision", None)
    ops.__spec__ = importlib.util.spec_from_loader("torchvision.ops", None)
    ops.__dict__["RoIAlign"] = type("RoIAlign", (), {})
    package.__dict__["ops"] = ops
    return {"torchvision": package, "torchvision.ops": ops}


def _loads(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        importlib.import_module(name)
    except (ImportError, OSError, RuntimeError):
        return False
    return True


def _forget(name: str) -> None:
    """Drop what a failed import left behind."""
    for module in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
        del sys.modules[module]
