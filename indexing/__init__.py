"""Recordings into vectors, vectors into answers."""

from indexing.celery import app as celery_app

__all__ = ["celery_app"]
