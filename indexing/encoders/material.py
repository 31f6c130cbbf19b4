"""A camera's kept features as what encoders are fitted on, trained on and judged on."""

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np
from django.db.models import F, Max, Min, QuerySet, Sum

from indexing.encoders.embedding import as_corpus
from indexing.encoders.publishing import begins, read_features
from indexing.models import Camera, Chunk, Recording, Work
from ml.corpus import Corpus, joined


def described(camera: Camera) -> QuerySet[Chunk]:
    """Return the chunks whose features are there to be used, in the order of time."""
    done = Chunk.objects.filter(recording__camera=camera, state=Work.State.DONE)
    usable = done.exclude(recording__state=Recording.State.REFUSED)
    return usable.select_related("recording").order_by("recording__start", "start_s")


def clips_of(chunks: Iterable[Chunk]) -> int:
    """Return how many clips these chunks have together."""
    return sum(chunk.clips for chunk in chunks)


def spread(chunks: list[Chunk], clips: int) -> list[Chunk]:
    """Return chunks of about so many clips together, evenly spread from the first to the last."""
    if not chunks:
        return []

    def chosen(count: int) -> list[Chunk]:
        return [chunks[i] for i in np.linspace(0, len(chunks) - 1, count).round().astype(int)]

    count = math.ceil(len(chunks) * min(1.0, clips / clips_of(chunks)))
    while count < len(chunks) and clips_of(chosen(count)) < clips:
        count += 1
    return chosen(count)


def without_overlaps(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Leave out chunks that begin before the one before them ends, on the camera's clock."""
    kept: list[Chunk] = []
    end = -math.inf
    for chunk in chunks:
        if begins(chunk) >= end:
            kept.append(chunk)
            end = begins(chunk) + chunk.clips
    return kept


def clips_without_overlaps(camera: Camera) -> int:
    """Return how many clips `without_overlaps` leaves of all that a camera has.

    The database adds them up by recording; chunks are only read of recordings that overlap.
    """
    by_recording = described(camera).order_by("recording__start").values("recording")
    spans = by_recording.annotate(
        zero=F("recording__start"),
        first=Min("start_s"),
        end=Max(F("start_s") + F("clips")),
        total=Sum("clips"),
    )
    runs: list[list[tuple[int, int]]] = []  # of recordings that overlap: their number and clips
    until = -math.inf
    for span in spans:
        if _seconds(span["zero"]) + span["first"] >= until:
            runs.append([])
        runs[-1].append((span["recording"], span["total"]))
        until = max(until, _seconds(span["zero"]) + span["end"])
    alone = sum(run[0][1] for run in runs if len(run) == 1)
    mixed = [number for run in runs if len(run) > 1 for number, _ in run]
    chunks = described(camera).filter(recording__in=mixed) if mixed else ()
    return alone + clips_of(without_overlaps(chunks))


def _seconds(moment: datetime) -> int:
    return round(moment.timestamp())


def read_corpus(chunks: Iterable[Chunk]) -> Corpus:
    """Return the kept features of chunks in the order of time, log-mels included.

    Trunk features and log-mels stay float16, as they are kept: an hour is 65 MB.

    Raises:
        FileDamaged: some are not what was recorded; their chunk is queued to be made again.
    """

    def read(chunk: Chunk) -> Corpus:
        part = as_corpus(read_features(chunk, mel=True), begins(chunk))
        return replace(part, trunk=part.trunk.astype(np.float16), mel=part.mel.astype(np.float16))

    return joined([read(chunk) for chunk in chunks])
