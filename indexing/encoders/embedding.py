"""An encoder's row and file, and the features it embeds."""

import logging
from dataclasses import fields
from functools import lru_cache

import numpy as np
from safetensors.numpy import load_file, save_file

from indexing.files import FileDamaged, Published, checked, publish
from indexing.footage.features import Features
from indexing.models import Encoder
from indexing.vectors.shards import Embeddings
from ml.corpus import Corpus
from ml.inputs import Pair
from ml.ordinary import Ordinary
from ml.starter import StarterEncoder
from ml.trained import EncoderError, TrainedEncoder

OTHER_VERSION = (
    "{file} was written by another version of Reprise and cannot be used; put the camera's starter "
    "in use and train it again."
)

log = logging.getLogger(__name__)


def fit_starter(features: Features | Corpus, *, pretrained: bool) -> StarterEncoder:
    """Standardise the starter encoder on these clips; with the trunk only where it has learnt."""
    return StarterEncoder.fit(
        features.foreground,
        features.sound,
        np.asarray(features.trunk, np.float32) if pretrained else None,
        has_video=features.has_video,
        has_audio=features.has_audio,
    )


def store(encoder: StarterEncoder | TrainedEncoder) -> Published:
    """Write an encoder's numbers to a file of their own."""
    arrays = {name: np.asarray(array, order="C") for name, array in encoder.arrays().items()}
    return publish("encoders", ".safetensors", lambda path: save_file(arrays, path))


@lru_cache(maxsize=16)
def _starter(file: str, sha256: str) -> StarterEncoder:
    arrays = load_file(checked(file, sha256))
    try:
        return StarterEncoder.from_arrays(arrays)
    except (KeyError, ValueError) as error:
        raise FileDamaged(OTHER_VERSION.format(file=file)) from error


@lru_cache(maxsize=4)
def _trained(file: str, sha256: str) -> TrainedEncoder:
    arrays = load_file(checked(file, sha256))
    try:
        return TrainedEncoder.from_arrays(arrays)
    except EncoderError as error:
        raise FileDamaged(OTHER_VERSION.format(file=file)) from error


def trained(encoder: Encoder) -> TrainedEncoder:
    """Return a trained encoder as it was stored.

    Raises:
        FileDamaged: the encoder's file is not the one that was recorded.
    """
    return _trained(encoder.file, encoder.sha256)


@lru_cache(maxsize=4096)
def _read_once(file: str, sha256: str) -> None:
    """Read a starter's file where this process has not done so yet; keep nothing of it."""
    _starter(file, sha256)


def readable(starter: Encoder) -> bool:
    """Tell whether this version could read a starter's file, looked at once in each process."""
    try:
        _read_once(starter.file, starter.sha256)
    except FileDamaged as error:
        log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
        return False
    return True


def intact(encoder: Encoder) -> bool:
    """Tell whether an encoder's file is the one that was recorded, and a starter's can be read.

    If not, that is an alarm.
    """
    try:
        checked(encoder.file, encoder.sha256)
        if encoder.kind == Encoder.Kind.STARTER:
            _starter(encoder.file, encoder.sha256)
    except FileDamaged as error:
        log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
        return False
    return True


def as_corpus(features: Features, at: int = 0) -> Corpus:
    """Return one chunk's features as a corpus; ``at`` is the moment of its first clip."""
    return Corpus(
        **{field.name: getattr(features, field.name) for field in fields(Features)},
        at=at + np.arange(len(features), dtype=np.int64),
        chunk=np.zeros(len(features), np.int64),
    )


def ordinary(encoder: Encoder) -> Ordinary | None:
    """Return how novel the seconds are that a trained encoder has learnt from.

    None where they are too few to tell.

    Raises:
        FileDamaged: the encoder's file is not the one that was recorded.
    """
    return trained(encoder).ordinary


def embed(encoder: Encoder, features: Features) -> Embeddings:
    """Embed a whole chunk; a modality the encoder was never fitted on is absent from the result.

    A trained encoder needs the log-mels too, and the chunk whole: that is its background.

    Raises:
        FileDamaged: the encoder's file is not the one that was recorded.
    """
    return embed_corpus(encoder, as_corpus(features))


def embed_corpus(encoder: Encoder, clips: Corpus) -> Embeddings:
    """Embed the clips of whole chunks, as `embed` does.

    Raises:
        FileDamaged: the encoder's file is not the one that was recorded.
    """
    vectors, novelty = _embedded(encoder, clips)
    return Embeddings(
        *vectors, clips.has_video & encoder.has_video, clips.has_audio & encoder.has_audio, *novelty
    )


def _embedded(encoder: Encoder, clips: Corpus) -> tuple[Pair, Pair]:
    if encoder.kind == Encoder.Kind.STARTER:
        return by_starter(_starter(encoder.file, encoder.sha256), clips)
    return trained(encoder).embed_with_novelty(clips)


def by_starter(starter: StarterEncoder, clips: Corpus) -> tuple[Pair, Pair]:
    """Embed clips by a starter -> z_v (n, Dv), z_a (n, Da), and their novelty (n,), (n,)."""
    described = starter.describe(
        clips.foreground,
        clips.sound,
        np.asarray(clips.trunk, np.float32) if starter.uses_trunk else None,
        has_video=clips.has_video,
        has_audio=clips.has_audio,
    )
    return described.embedded, described.novelty
