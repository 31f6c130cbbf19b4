"""An encoder's row and file, and the features it embeds."""

import logging
from functools import lru_cache

from safetensors.numpy import load_file, save_file

from indexing.features import Features
from indexing.files import FileDamaged, Published, checked, publish
from indexing.models import Encoder
from indexing.vectors.shards import Embeddings
from ml.starter import StarterEncoder

log = logging.getLogger(__name__)


def fit_starter(features: Features, *, pretrained: bool) -> StarterEncoder:
    """Standardise the starter encoder on these clips; with the trunk only where it has learnt."""
    return StarterEncoder.fit(
        features.foreground,
        features.sound,
        features.trunk if pretrained else None,
        has_video=features.has_video,
        has_audio=features.has_audio,
    )


def store(starter: StarterEncoder) -> Published:
    """Write an encoder's numbers to a file of their own."""
    return publish("encoders", ".safetensors", lambda path: save_file(starter.arrays(), path))


@lru_cache(maxsize=16)
def _load(file: str, sha256: str) -> StarterEncoder:
    return StarterEncoder.from_arrays(load_file(checked(file, sha256)))


def intact(encoder: Encoder) -> bool:
    """Tell whether an encoder's file is the one that was recorded; if not, that is an alarm."""
    try:
        _load(encoder.file, encoder.sha256)
    except FileDamaged as error:
        log.error("%s", error)  # noqa: TRY400  (the sentence says it all)
        return False
    return True


def embed(encoder: Encoder, features: Features) -> Embeddings:
    """Embed clips; a modality the encoder was never fitted on is absent from the result.

    Raises:
        FileDamaged: the encoder's file is not the one that was recorded.
    """
    starter = _load(encoder.file, encoder.sha256)
    video, audio = starter.embed(
        features.foreground,
        features.sound,
        features.trunk if starter.uses_trunk else None,
        has_video=features.has_video,
        has_audio=features.has_audio,
    )
    return Embeddings(
        video,
        audio,
        has_video=features.has_video & encoder.has_video,
        has_audio=features.has_audio & encoder.has_audio,
    )
