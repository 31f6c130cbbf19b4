"""An encoder as one file, to keep or to take elsewhere: safetensors, with what is known as JSON.

Nothing in a file that comes in is trusted. Bytes are never unpickled or unpacked; sizes are bounded
before anything is read, every array has its checksum, and the encoder must embed made-up clips to
finite numbers of the right shape before a row says that it exists.
"""

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from indexing.encoders.embedding import by_starter, store
from indexing.encoders.registry import RegistryError, described
from indexing.files import BLOCK, Published, absolute, checked, seal
from indexing.models import Camera, Encoder
from indexing.models.json_numbers import finite
from ml.corpus import Corpus
from ml.foreground import FOREGROUND_DIM
from ml.preprocess import MEL_BINS, MEL_FRAMES
from ml.soundstats import SOUND_DIM
from ml.starter import StarterEncoder
from ml.trained import EncoderError, TrainedEncoder

FORMAT = "reprise-encoder-1"
SUFFIX = ".encoder.safetensors"
MOST_BYTES = 256 * 2**20
MOST_HEADER_BYTES = 4 * 2**20
MOST_COLUMNS = 8192
MOST_VALUE = 1e6
PROBE_CLIPS = 3
TRUNK_SHAPE = (2, 432)

Arrays = dict[str, NDArray[np.generic]]
V = TypeVar("V")


def write_encoder(encoder: Encoder, path: Path) -> Published:
    """Write an encoder to one file, whole or not at all.

    Raises:
        FileDamaged: its own file is not the one that was recorded.
        OSError: the file cannot be written.
    """
    arrays = load_file(checked(encoder.file, encoder.sha256))
    about = {
        "kind": encoder.kind,
        "camera": encoder.camera.name,
        **described(encoder),
        "arrays": {name: digest(array) for name, array in arrays.items()},
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(arrays, temporary, {"format": FORMAT, "about": json.dumps(about)})
        size, sha256 = seal(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return Published(str(path), size, sha256)


def read_encoder(stream: BinaryIO, *, camera: Camera, name: str) -> Encoder:
    """Take a file that `write_encoder` wrote into a camera's registry; it is not put in use.

    Args:
        stream: the file's bytes.
        camera: whose encoder it becomes.
        name: what the file is called, for sentences.

    Raises:
        RegistryError: the file is not what it should be; nothing has changed.
    """
    folder = settings.REPRISE_DATA / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".encoder-") as copy:
        _copy(stream, copy, name)
        about, arrays = _opened(Path(copy.name), name)
    row = _row(about, name)
    with np.errstate(all="ignore"):  # what overflows is found by its result
        made = _made(row.kind, arrays, name)
        _probe(made, row, name)
    row.camera = camera
    return _entered(row, store(made), name)


def _copy(stream: BinaryIO, copy: Any, name: str) -> None:
    """Copy what may be an encoder, and no more than that."""
    size = 0
    while block := stream.read(BLOCK):
        size += len(block)
        if size > MOST_BYTES:
            raise RegistryError(
                f"{name} is larger than {MOST_BYTES // 2**20} MB, so it is no encoder of ours."
            )
        copy.write(block)
    copy.flush()


def _opened(path: Path, name: str) -> tuple[dict[str, Any], Arrays]:
    """Read the arrays and what is said about them, both checked as far as a file can be."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= MOST_HEADER_BYTES:
        raise RegistryError(f"{name} is not a file of an encoder; export one to have such a file.")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise RegistryError(f"{name} is not a file of an encoder that this version can read.")
        arrays = load_file(path)
        about = finite(json.loads(metadata["about"], parse_constant=_no_constant))
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise RegistryError(f"{name} is truncated or damaged; export or copy it again.") from error
    if "\\u0000" in metadata["about"]:  # no database keeps it in a text
        raise RegistryError(f"{name} is damaged: its texts hold characters that are none.")
    if not isinstance(about, dict) or about.get("arrays") != {n: digest(arrays[n]) for n in arrays}:
        raise RegistryError(f"{name} is damaged: its checksums do not fit; copy it again.")
    for array in arrays.values():
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise RegistryError(f"{name} holds values that are not finite numbers.")
    return about, arrays


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def digest(array: NDArray[np.generic]) -> str:
    """Return the SHA-256 of an array: its type, its shape and its bytes."""
    kind = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(kind + np.ascontiguousarray(array).tobytes()).hexdigest()


def _row(about: Mapping[str, Any], name: str) -> Encoder:
    """Return the encoder's row from what the file says, each value of its own type and size."""

    def read(key: str, kind: type[V], most: float = math.inf) -> V:
        value = about.get(key)
        if kind is float or not isinstance(value, kind) or (kind is int and value is True):
            raise RegistryError(f"{name} does not say its “{key}” as it should.")
        size = value if isinstance(value, int) else len(value)  # type: ignore[arg-type]
        if not 0 <= size <= most:
            raise RegistryError(f"{name} says a “{key}” that cannot be true.")
        return value

    if about.get("kind") not in Encoder.Kind.values:
        raise RegistryError(f"{name} holds an encoder of a kind that this version does not know.")
    return Encoder(
        kind=about["kind"],
        state=Encoder.State.BUILT,
        method=read("method", str, 32),
        settings=read("settings", dict, 1000),
        seed=None if about.get("seed") is None else read("seed", int, 2**63 - 1),
        trunk=read("trunk", str, 100),
        data=read("data", dict, 1000),
        fitted_on=read("fitted_on", int, 2**31 - 1),
        has_video=read("has_video", bool),
        has_audio=read("has_audio", bool),
        crossable=read("crossable", bool),
        shared=read("shared", int, MOST_COLUMNS),
        metrics=read("metrics", dict, 1000),
        curves=read("curves", list, 10_000),
        note=read("note", str, 10_000),
        origin=f"imported from {name}"[:255],
        settled=True,
    )


def _made(kind: str, arrays: Arrays, name: str) -> StarterEncoder | TrainedEncoder:
    """Make the encoder from its arrays: all of them, and each of its own type and shape."""
    starter = kind == Encoder.Kind.STARTER
    try:
        made = (StarterEncoder if starter else TrainedEncoder).from_arrays(arrays)
    except EncoderError as error:
        raise RegistryError(f"{name} cannot be taken in. {error}") from error
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise RegistryError(f"{name} cannot be taken in: a part of it is missing.") from error
    if _forms(made.arrays()) != _forms(arrays):
        raise RegistryError(f"{name} cannot be taken in: its arrays are not those of an encoder.")
    return made


def _forms(arrays: Arrays) -> dict[str, tuple[Any, ...]]:
    return {name: (array.dtype, array.shape) for name, array in arrays.items()}


def _probe(encoder: StarterEncoder | TrainedEncoder, row: Encoder, name: str) -> None:
    """Embed made-up clips: the shapes must fit each other, and the numbers be finite."""
    clips = _made_up()
    try:
        if isinstance(encoder, StarterEncoder):
            (video, audio), _ = by_starter(encoder, clips)
        else:
            video, audio = encoder.embed(clips)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise RegistryError(f"{name} holds arrays whose shapes do not fit clips.") from error
    for vectors in (video, audio):
        flat = vectors.ndim == 2 and len(vectors) == PROBE_CLIPS
        if not flat or not row.shared <= vectors.shape[1] <= MOST_COLUMNS:
            raise RegistryError(f"{name} holds arrays whose shapes do not fit clips.")
        if not (np.abs(vectors) < MOST_VALUE).all():  # nor where they are no numbers
            raise RegistryError(f"{name} embeds clips to values that cannot be compared.")


def _made_up() -> Corpus:
    """Return a few clips of noise, with picture and sound."""
    noise = np.random.default_rng(0)

    def normal(*shape: int) -> NDArray[np.float32]:
        return noise.normal(size=(PROBE_CLIPS, *shape)).astype(np.float32)

    return Corpus(
        foreground=normal(FOREGROUND_DIM),
        sound=normal(SOUND_DIM),
        trunk=normal(*TRUNK_SHAPE),
        mel=normal(MEL_BINS, MEL_FRAMES),
        has_video=np.ones(PROBE_CLIPS, bool),
        has_audio=np.ones(PROBE_CLIPS, bool),
        at=np.arange(PROBE_CLIPS),
        chunk=np.zeros(PROBE_CLIPS, np.int64),
    )


def _entered(row: Encoder, file: Published, name: str) -> Encoder:
    """Enter an encoder and its file in the registry, unless they are there already."""
    row.file, row.size, row.sha256 = file.file, file.size, file.sha256
    with transaction.atomic():
        camera = Camera.objects.select_for_update().get(pk=row.camera_id)
        known = camera.encoders.filter(sha256=file.sha256).first()
        if known is None:
            row.version = camera.next_version()
            row.save()
    if known:
        absolute(file.file).unlink(missing_ok=True)
        raise RegistryError(f"{name} is here already, as encoder {known.pk} of {camera}.")
    return row
