"""The rows that own the state: what is to be done, who is doing it, and what has been published."""

from indexing.models.arrivals import SeenFile, Upload, upload_expiry
from indexing.models.casework import (
    Bookmark,
    Case,
    CaseMoment,
    Check,
    Delivery,
    Export,
    Notification,
    SavedSearch,
)
from indexing.models.encoders import Encoder, Shard
from indexing.models.footage import Camera, Chunk, Recording, check_zone
from indexing.models.jobs import Job, Training
from indexing.models.labels import Label, LabelChange, Location
from indexing.models.reviews import Review
from indexing.models.work import Work, Worker

__all__ = [
    "Bookmark",
    "Camera",
    "Case",
    "CaseMoment",
    "Check",
    "Chunk",
    "Delivery",
    "Encoder",
    "Export",
    "Job",
    "Label",
    "LabelChange",
    "Location",
    "Notification",
    "Recording",
    "Review",
    "SavedSearch",
    "SeenFile",
    "Shard",
    "Training",
    "Upload",
    "Work",
    "Worker",
    "check_zone",
    "upload_expiry",
]
