"""Where the trunk's weights lie, and how published ones come in.

Imported weights are an immutable file named by its source's checksum; a one-line file says which
of them is in use, and is replaced in one step. Until then the project's own weights are in use,
which come with it. Nothing here imports torch until weights are read.
"""

import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import urlsplit

from django.conf import settings
from safetensors import safe_open

import ml.pretrain
from ml.refusal import Refusal
from ml.runtime import RANDOM_SEED

# The trunk that comes with the project; its origin is told beside it.
OWN = Path(ml.pretrain.__file__).parent / "own" / "x3d-m.safetensors"
USABLE = ("own", "random")
DEFAULT = "own"  # until others are chosen
TIMEOUT_S = 30
BLOCK = 2**20

Progress = Callable[[int, int | None], None]


class WeightsUnavailableError(Refusal):
    """Weights that could not be had; `sentence` says why and what to do."""


@dataclass(frozen=True)
class Imported:
    """Weights in use: what pages call them, their file, and their source's SHA-256."""

    name: str
    file: str
    origin: str
    sha256: str

    def to_json(self) -> dict[str, str]:
        """As a JSON object."""
        return asdict(self)


def folder() -> Path:
    """Where weights are kept."""
    return Path(settings.REPRISE_DATA) / "weights"


def current_trunk_weights() -> Path | None:
    """The safetensors file of the weights in use; None where the trunk is random.

    Other weights have another path, so a path may be used as the key of a cache.
    """
    try:
        name = _pointer().read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        name = DEFAULT
    if name == "random":
        return None
    path = OWN if name == "own" else folder() / name
    return path if path.is_file() else None


def trunk_name(path: Path | None) -> str:
    """What a trunk with these weights is called; the same as ml.runtime says, without torch."""
    if path is None:
        return f"x3d-m random (seed {RANDOM_SEED})"
    with safe_open(path, framework="np") as file:
        metadata = file.metadata() or {}
    return f"x3d-m {metadata.get('origin', '')} {metadata.get('source_sha256', '')[:8]}"


def trunk_weights(name: str) -> Path | None:
    """The file of the weights of this name, in use or not; None where they are the random ones.

    Raises WeightsUnavailableError where they are not here any more.
    """
    for path in (None, OWN, *sorted(folder().glob("x3d-m-*.safetensors"))):
        if (path is None or path.is_file()) and trunk_name(path) == name:
            return path
    raise WeightsUnavailableError(
        f"The trunk weights “{name}” are not here, with which this camera's encoder was trained; "
        "import them again, or put the camera's starter in use."
    )


def is_pretrained(trunk: str) -> bool:
    """Whether a trunk of this name carries learnt weights."""
    return bool(trunk) and not trunk.startswith("x3d-m random")


def show_weights() -> Imported | None:
    """What is in use; None while the trunk is random. Raises WeightsError for a damaged file."""
    from ml.weights import load_trunk_weights

    path = current_trunk_weights()
    if path is None:
        return None
    weights = load_trunk_weights(path)
    return Imported(weights.name, str(path), weights.origin, weights.source_sha256)


def use_weights(which: str) -> Imported | None:
    """Put the project's `own` weights in use, or `random` ones; None where they are random.

    Raises WeightsUnavailableError where it cannot be written down, ValueError for another word.
    """
    if which not in USABLE:
        raise ValueError(f"Weights in use are own or random, not {which}.")
    if which == "own" and not OWN.is_file():
        raise WeightsUnavailableError(
            f"The project's own weights are not at {OWN}; bring that file back from the repository."
        )
    _point_at(which)
    return show_weights()


def import_weights(path: Path, *, sha256: str | None = None) -> Imported:
    """Check a published checkpoint and put its weights in use, replacing others in one step.

    Raises WeightsError where the file is not X3D-M's, WeightsUnavailableError where its checksum
    is not `sha256` or it cannot be written.
    """
    from ml import weights

    checkpoint = weights.import_kinetics(path)
    received = weights.file_sha256(path)
    if sha256 is not None and received != sha256.strip().lower():
        raise WeightsUnavailableError(
            f"{path.name} has the SHA-256 {received}, not the one expected, so it was not imported."
        )
    trunk = weights.TrunkWeights(checkpoint, weights.KINETICS, received)
    name = f"x3d-m-{received[:16]}.safetensors"
    _keep(folder() / name, lambda target: weights.save_trunk_weights(target, trunk))
    _point_at(name)
    return Imported(trunk.name, str(folder() / name), trunk.origin, received)


def fetch_weights(
    url: str, *, sha256: str | None = None, on_progress: Progress = lambda done, total: None
) -> Imported:
    """Download a published checkpoint, check it and put it in use.

    `on_progress` hears the bytes received and, where the server tells, the bytes to come. Raises
    WeightsUnavailableError where it cannot be downloaded, WeightsError where it is not X3D-M's.
    """
    if not url.startswith(("https://", "http://")):
        raise WeightsUnavailableError(f"{url} is not an address on the web.")
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".fetch-") as temporary:
        path = Path(temporary) / (PurePosixPath(urlsplit(url).path).name or "checkpoint")
        _download(url, path, on_progress)
        return import_weights(path, sha256=sha256)


def _download(url: str, path: Path, on_progress: Progress) -> None:
    try:
        with (
            urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer,  # noqa: S310 - it is http(s)
            path.open("wb") as file,
        ):
            _copy(answer, file, answer.length, on_progress)
    except (urllib.error.URLError, OSError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", None) or error
        raise WeightsUnavailableError(
            f"The weights could not be downloaded from {url} ({reason}); where there is no "
            "network, bring the file and run “manage.py weights import FILE”."
        ) from error


def _copy(source: BinaryIO, target: BinaryIO, total: int | None, on_progress: Progress) -> None:
    done = 0
    while block := source.read(BLOCK):
        target.write(block)
        done += len(block)
        on_progress(done, total)
    if total and done < total:
        raise OSError(f"the connection ended after {done} of {total} bytes")


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, and give it its name when it is safely on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _keep(path: Path, write: Callable[[Path], object]) -> None:
    try:
        _write(path, write)
    except OSError as error:
        raise WeightsUnavailableError(
            f"The weights could not be written to {folder()}: {error.strerror or error}."
        ) from error


def _point_at(name: str) -> None:
    """Say which weights are in use from now on."""
    _keep(_pointer(), lambda target: target.write_text(f"{name}\n", encoding="utf-8"))


def _pointer() -> Path:
    return folder() / "current"
