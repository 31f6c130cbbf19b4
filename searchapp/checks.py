"""Misconfiguration found at start, with what to do about it."""

import os
import shutil
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

NEARLY_FULL_BYTES = 5_000_000_000
BROKERS = {"files", "redis", "rediss", "memory"}


@register
def ffmpeg(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Warn where ffmpeg or ffprobe is missing: pages work without, recordings do not come in."""
    missing = [name for name in ("ffmpeg", "ffprobe") if shutil.which(name) is None]
    return [
        Warning(
            f"{name} is not installed, so no recording can be taken in.",
            hint="Install ffmpeg (on Debian: apt-get install ffmpeg), then start again.",
            id="REPRISE.W001",
        )
        for name in missing
    ]


@register
def data_root(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a data root that cannot be written, warn where it is nearly full."""
    root = settings.REPRISE_DATA
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return [
            Error(
                f"The data root {root} cannot be written.",
                hint="Give this account the right to write there, or set REPRISE_DATA elsewhere.",
                id="REPRISE.E001",
            )
        ]
    free = shutil.disk_usage(existing).free
    if free < NEARLY_FULL_BYTES:
        return [
            Warning(
                f"The disk of the data root {root} has only {free / 1e9:.1f} GB left.",
                hint="Free space or set REPRISE_DATA to a larger disk before adding recordings.",
                id="REPRISE.W002",
            )
        ]
    return []


@register
def broker(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a broker address that no worker could use."""
    url = urlsplit(settings.CELERY_BROKER_URL)
    if url.scheme in BROKERS and (url.hostname or not url.scheme.startswith("redis")):
        return []
    return [
        Error(
            f"REPRISE_BROKER_URL is {settings.CELERY_BROKER_URL!r}, which is not a broker.",
            hint="Leave it unset on one machine; otherwise write redis://host:6379/0.",
            id="REPRISE.E002",
        )
    ]
