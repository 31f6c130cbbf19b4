"""A camera whose features were drawn instead of decoded, with pictures to look at."""

from pathlib import Path

import numpy as np
from django.conf import settings

from indexing.media import thumbnails
from indexing.models import Camera, Chunk, Recording
from tests.footage import add_footage


def make(camera: str, *, seed: int) -> int:
    """Add eleven minutes of footage of a camera and return the recording's number."""
    recording = add_footage(camera, seed=seed)
    Camera.objects.filter(name=camera).update(zone="Europe/Brussels")
    # There is no film behind it, so its pictures take turns instead.
    Recording.objects.filter(pk=recording.pk).update(playable="", has_video=True, has_audio=True)
    for chunk in Chunk.objects.filter(recording=recording):
        name = f"thumbnails/drawn-{chunk.pk}.zip"
        seconds = range(chunk.start_s, chunk.start_s + chunk.clips)
        path = Path(settings.REPRISE_DATA / name)
        path.parent.mkdir(parents=True, exist_ok=True)
        thumbnails.pack(path, {second: _picture(second) for second in seconds})
        Chunk.objects.filter(pk=chunk.pk).update(thumbnails=name)
    return recording.pk


def _picture(second: int) -> bytes:
    shade = np.linspace(0, 255, 32, dtype=np.uint8)
    picture = np.stack([np.roll(shade, second), shade, shade[::-1]], axis=-1)
    return thumbnails.jpeg(np.tile(picture, (18, 1, 1)))
