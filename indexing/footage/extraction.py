"""From a piece of a file to the features and thumbnails of its clips. Workers only: loads torch."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from django.conf import settings

from indexing.footage.features import Features
from indexing.footage.weights import current_trunk_weights, trunk_weights
from indexing.media.decode import DecodedChunk, decode_chunk
from indexing.media.info import MediaInfo
from indexing.media.thumbnails import jpeg
from ml import runtime
from ml.cutout import cut_out
from ml.foreground import FOREGROUND_DIM, watch
from ml.preprocess import CLIP_FRAMES, MEL_BINS, MEL_FRAMES, log_mel
from ml.soundstats import SOUND_DIM, sound_statistics

TRUNK_DIM = 432


@dataclass(frozen=True)
class Extracted:
    """What one chunk gave: features, thumbnails by second, holes, and the trunk that saw it.

    damaged tells that the decoder met errors, at which a browser's player would stop.
    """

    features: Features
    thumbnails: dict[int, bytes]
    gaps: list[dict[str, object]]
    damaged: bool
    trunk: str


@cache
def _trunk(weights: Path | None) -> runtime.Trunk:
    # Log-mels are many short loops: torch's threads, waiting for each other after each, took six
    # times the processor time of one.
    torch.set_num_threads(settings.WORKER_THREADS)
    return runtime.load_trunk(
        weights,
        device=settings.DEVICE,
        threads=settings.WORKER_THREADS,
        cache_dir=settings.COMPILED_FOLDER,
    )


def trunk(name: str = "") -> runtime.Trunk:
    """Return the trunk in use, or the one of this name, loaded once a process.

    Raises:
        WeightsUnavailableError: the weights of that name are not here any more.
    """
    return _trunk(trunk_weights(name) if name else current_trunk_weights())


def extract(
    path: Path,
    info: MediaInfo,
    start_s: int,
    clips: int,
    *,
    on_batch: Callable[[], None],
    trunk_name: str = "",
) -> Extracted:
    """Decode ``clips`` seconds from ``start_s`` and describe each.

    Args:
        path: the recording's original.
        info: what the probe found in it.
        start_s: the first second.
        clips: how many, at most 60.
        on_batch: called every few clips, so that a lease can be renewed.
        trunk_name: the trunk that is to see them; the one in use unless told.

    Raises:
        MediaError: the decoder could not be run or gave nothing.
        WeightsUnavailableError: the trunk's weights are not here any more.
    """
    net = trunk(trunk_name)
    decoded = decode_chunk(path, info, start_s, clips)
    return Extracted(
        features=_features(decoded, clips, net, on_batch),
        thumbnails=_thumbnails(decoded, start_s),
        gaps=[asdict(gap) for gap in decoded.gaps],
        damaged=decoded.damaged,
        trunk=net.name,
    )


def _features(
    decoded: DecodedChunk, clips: int, net: runtime.Trunk, on_batch: Callable[[], None]
) -> Features:
    """Describe the clips of a chunk; rows of what is absent stay zero."""
    features = Features(
        foreground=np.zeros((clips, FOREGROUND_DIM), np.float32),
        sound=np.zeros((clips, SOUND_DIM), np.float32),
        trunk=np.zeros((clips, 2, TRUNK_DIM), np.float32),
        mel=np.zeros((clips, MEL_BINS, MEL_FRAMES), np.float32),
        has_video=decoded.has_video,
        has_audio=decoded.has_audio,
    )
    seen, heard = decoded.has_video, decoded.has_audio
    if decoded.frames is not None and seen.any():
        shape = (clips, CLIP_FRAMES, *decoded.frames.shape[1:])
        frames = decoded.frames.reshape(shape)[seen].reshape(-1, *shape[2:])
        watched = watch(frames)
        features.foreground[seen] = watched.described
        shown = cut_out(frames, watched.mask, watched.background) if net.cut_out else frames
        features.trunk[seen] = net.features(shown, on_batch=on_batch)
    if decoded.samples is not None and heard.any():
        mel = log_mel(decoded.samples.reshape(clips, -1)[heard].reshape(-1))
        features.mel[heard] = mel
        features.sound[heard] = sound_statistics(mel)
    return features


def _thumbnails(decoded: DecodedChunk, start_s: int) -> dict[int, bytes]:
    """Return the middle picture of every clip that has one, by second of the recording."""
    if decoded.frames is None:
        return {}
    middle = decoded.frames[CLIP_FRAMES // 2 :: CLIP_FRAMES]
    return {start_s + int(n): jpeg(middle[n]) for n in np.flatnonzero(decoded.has_video)}
