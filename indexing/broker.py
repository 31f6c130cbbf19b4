"""The embedded broker: messages are files below the data root, so no server is needed."""

from pathlib import Path

from django.conf import settings


def ready() -> None:
    """Make the folders of the embedded broker; nothing where a real broker is configured."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    for name in ("data_folder_in", "control_folder"):
        if name in options:
            Path(str(options[name])).mkdir(parents=True, exist_ok=True)
