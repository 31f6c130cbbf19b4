"""The trunk at work: frames in, pooled features out, fast and in constant memory.

On a CPU it runs in OpenVINO, many times faster than eager PyTorch with the same numbers to float32;
on a GPU in PyTorch. Pixels go in as bytes: division, normalisation and the change of layout are
part of the graph.
"""

import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ml import thirdparty
from ml.preprocess import CLIP_FRAMES, CROP, PIXEL_MEAN, PIXEL_STD, clip_tensor, two_crops

if TYPE_CHECKING:
    from torch import nn

    from ml.encoders import VideoTrunk

RANDOM_SEED = 0
CROPS = 2
FEATURES = 432
BATCH_CLIPS = 8

# Part of the name of a converted graph: raise it when the conversion below changes.
_GRAPH_VERSION = 2

Frames = NDArray[np.uint8]
Floats = NDArray[np.float32]


class Trunk(Protocol):
    """The first half of E_v, ready to run."""

    @property
    def name(self) -> str:
        """Which weights these are, for pages and results."""

    @property
    def pretrained(self) -> bool:
        """Whether the weights were learnt; features of random weights say next to nothing."""

    @property
    def cut_out(self) -> bool:
        """Whether it is to be shown what moves alone, as `ml.cutout` gives it."""

    def features(self, frames: Frames, *, on_batch: Callable[[], None] | None = None) -> Floats:
        """Pooled features of every clip's two crops: u8 (5n, H, W, 3) -> f32 (n, 2, 432).

        `on_batch` is called after every few clips, so that a worker can renew its lease.
        Raises ValueError where the frames are not whole clips.
        """


@dataclass(frozen=True)
class TrunkIdentity:
    """What tells one set of trunk weights from another."""

    name: str
    pretrained: bool
    cut_out: bool = False


def load_trunk(
    weights: Path | None,
    *,
    device: str = "auto",
    threads: int = 0,
    cache_dir: Path | None = None,
) -> Trunk:
    """Load the trunk: from `weights` (see `ml.weights`), or random from a fixed seed without.

    `device` is "cpu", "cuda" or "auto", which is a GPU where there is one. `threads` bounds the
    CPU threads of one worker, 0 for one a core. The graph converted for a CPU is kept under
    `cache_dir`, so that the next start takes a fraction of a second; several workers may start at
    once. Raises WeightsError for unusable weights, ValueError for an unknown device.
    """
    if device not in {"auto", "cpu", "cuda"}:
        raise ValueError(f"A trunk runs on “cpu”, “cuda” or “auto”, not on “{device}”.")
    if device == "auto":
        device = "cuda" if _cuda() else "cpu"
    if device == "cuda":
        trunk, identity = _torch_trunk(weights)
        return TorchTrunk(trunk, identity, device="cuda")
    return _openvino_trunk(weights, threads, cache_dir)


class OpenVinoTrunk:
    """The trunk on a CPU, one clip of two crops at a time: larger batches were slower."""

    def __init__(
        self, model: Any, identity: TrunkIdentity, threads: int, *, width: int = FEATURES
    ) -> None:
        self.name, self.pretrained, self.cut_out = astuple(identity)
        self._width = width
        properties: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # Without this a CPU with bfloat16 silently computes in it.
            "INFERENCE_PRECISION_HINT": "f32",
            # Two workers that pin themselves would share one core and leave the other idle.
            "ENABLE_CPU_PINNING": False,
        }
        if threads:
            properties["INFERENCE_NUM_THREADS"] = threads
        compiled = thirdparty.openvino().Core().compile_model(model, "CPU", properties)
        self._request = compiled.create_infer_request()

    def features(self, frames: Frames, *, on_batch: Callable[[], None] | None = None) -> Floats:
        """See `Trunk.features`."""
        features = np.empty((_clips(frames), CROPS, self._width), np.float32)
        for clip in range(len(features)):
            start = clip * CLIP_FRAMES
            crops = two_crops(frames[start : start + CLIP_FRAMES])
            # Shared memory both ways: the answer is copied out before the next clip overwrites it.
            answer = self._request.infer([crops], share_inputs=True, share_outputs=True)
            features[clip] = answer[0]
            last = clip + 1 == len(features)
            if on_batch is not None and (last or (clip + 1) % BATCH_CLIPS == 0):
                on_batch()
        return features


class TorchTrunk:
    """The trunk in PyTorch: on a GPU, and on a CPU as the reference that others must equal.

    `bfloat16` roughly doubles a recent GPU's speed; its features carry 2-3 significant digits.
    """

    def __init__(
        self,
        trunk: "VideoTrunk",
        identity: TrunkIdentity,
        *,
        device: str = "cpu",
        bfloat16: bool = False,
    ) -> None:
        self.name, self.pretrained, self.cut_out = astuple(identity)
        self._device, self._bfloat16 = device, bfloat16
        self._trunk = trunk.eval().to(device)

    def features(self, frames: Frames, *, on_batch: Callable[[], None] | None = None) -> Floats:
        """See `Trunk.features`."""
        features = np.empty((_clips(frames), CROPS, FEATURES), np.float32)
        for start in range(0, len(features), BATCH_CLIPS):
            clips = min(BATCH_CLIPS, len(features) - start)
            some = frames[start * CLIP_FRAMES : (start + clips) * CLIP_FRAMES]
            crops = two_crops(some).reshape(CROPS * clips, CLIP_FRAMES, CROP, CROP, 3)
            pooled = self._run(crops).reshape(CROPS, clips, FEATURES)
            features[start : start + clips] = pooled.swapaxes(0, 1)
            if on_batch is not None:
                on_batch()
        return features

    def _run(self, crops: Frames) -> Floats:
        import torch

        kind = torch.device(self._device).type
        with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=self._bfloat16):
            pooled = self._trunk(clip_tensor(crops).to(self._device))
        return np.asarray(pooled.float().cpu().numpy(), np.float32)


def compiled(network: "nn.Module", name: str, threads: int = 1) -> OpenVinoTrunk:
    """Compile any network (2, 3, 5, 224, 224) -> (2, d) for this CPU, to be run as a trunk is."""
    model = _convert(network)
    width = int(model.output(0).get_partial_shape()[1].get_length())
    return OpenVinoTrunk(model, TrunkIdentity(name, False), threads, width=width)


def _clips(frames: Frames) -> int:
    if len(frames) % CLIP_FRAMES:
        raise ValueError(f"{len(frames)} frames are not whole clips of {CLIP_FRAMES}.")
    return len(frames) // CLIP_FRAMES


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _torch_trunk(weights: Path | None) -> "tuple[VideoTrunk, TrunkIdentity]":
    from ml.encoders import split, video_encoder

    if weights is None:
        encoder = video_encoder(RANDOM_SEED)
        return split(encoder)[0], TrunkIdentity(f"x3d-m random (seed {RANDOM_SEED})", False)
    from ml.weights import load_trunk_weights, pretrained_encoder

    loaded = load_trunk_weights(weights)
    trunk, _ = split(pretrained_encoder(loaded), peaks=loaded.cut_out)
    return trunk, TrunkIdentity(loaded.name, True, loaded.cut_out)


def _openvino_trunk(weights: Path | None, threads: int, cache_dir: Path | None) -> OpenVinoTrunk:
    """Load the converted graph from the cache, or convert it and leave it there."""
    cached = None if cache_dir is None else cache_dir / f"trunk-{_graph_key(weights)}"
    if cached is not None and (found := _read_graph(cached)) is not None:
        return OpenVinoTrunk(*found, threads)
    trunk, identity = _torch_trunk(weights)
    model = _convert(trunk)
    if cached is not None:
        _write_graph(cached, model, identity)
    return OpenVinoTrunk(model, identity, threads)


def _convert(trunk: "nn.Module") -> Any:
    """Turn the trunk into an OpenVINO graph that eats bytes, u8 (2, 5, 224, 224, 3)."""
    import torch

    openvino = thirdparty.openvino()
    from openvino.preprocess import PrePostProcessor

    shape = [CROPS, 3, CLIP_FRAMES, CROP, CROP]
    example = torch.zeros(shape)
    with warnings.catch_warnings():
        # OpenVINO traces with torch.jit, which torch calls deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        model = openvino.convert_model(trunk.eval(), example_input=example, input=[shape])
    builder = PrePostProcessor(model)
    pixels = builder.input()
    pixels.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NDHWC"))
    pixels.model().set_layout(openvino.Layout("NCDHW"))
    steps = pixels.preprocess().convert_element_type(openvino.Type.f32)
    steps.mean(255 * PIXEL_MEAN).scale(255 * PIXEL_STD)
    return builder.build()


def _graph_key(weights: Path | None) -> str:
    origin = b"random" if weights is None else hashlib.sha256(weights.read_bytes()).digest()
    version = f"{_GRAPH_VERSION} {RANDOM_SEED} {thirdparty.openvino().get_version()}".encode()
    return hashlib.sha256(origin + version).hexdigest()[:16]


def _read_graph(folder: Path) -> tuple[Any, TrunkIdentity] | None:
    """Read a kept graph; None where there is none, or where it does not read."""
    try:
        text = (folder / "identity.json").read_text(encoding="utf-8")
        identity = TrunkIdentity(**json.loads(text))
        model = thirdparty.openvino().Core().read_model(folder / "trunk.xml")
    except (OSError, ValueError, TypeError, RuntimeError):
        return None
    return model, identity


def _write_graph(folder: Path, model: Any, identity: TrunkIdentity) -> None:
    """Keep a graph: written beside its place, then renamed, so that no reader sees half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        thirdparty.openvino().save_model(model, temporary / "trunk.xml", compress_to_fp16=False)
        text = json.dumps(asdict(identity))
        (temporary / "identity.json").write_text(text, encoding="utf-8")
        if folder.exists() and _read_graph(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
    except OSError:
        # Another worker was faster, or the disk is full: the graph in memory serves all the same.
        shutil.rmtree(temporary, ignore_errors=True)
