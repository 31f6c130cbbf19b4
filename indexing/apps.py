"""The indexing app: recordings into vectors, vectors into answers."""

from django.apps import AppConfig


class IndexingConfig(AppConfig):
    """Recordings into vectors, vectors into answers."""

    name = "indexing"
