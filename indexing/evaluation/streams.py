"""Streams with known truth: rendered once, read back as the ingest reads any recording, and kept.

A stream is an ordinary mp4 (H.264, AAC). Its features come from the very probe, decoder and
description that the ingest runs, minute by minute, so what is measured is the product. Everything
lies in a folder named by what determines it: the picture and sound by the renderer's code, the
features by that of the ingest and by the trunk's weights.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.arrays import Floats
from indexing.encoders.embedding import as_corpus
from indexing.evaluation.fingerprint import fingerprint
from indexing.evaluation.sources import Source, digest
from indexing.files import drafted
from indexing.footage import features as kept
from indexing.footage.rendering import write_text
from indexing.footage.weights import current_trunk_weights
from indexing.ingest import plan as chunks_of
from indexing.media import thumbnails
from indexing.media.info import MediaInfo
from indexing.media.probe import probe
from indexing.work.progress import Progress
from ml.corpus import Corpus, joined
from ml.crossroads import truth
from ml.evaluation.truth import Truth

# Training and test streams are days apart on the camera's clock.
DAY_S = 86_400
VIDEO, TRUTH, THUMBNAILS = "stream.mp4", "stream.csv", "thumbnails.zip"

# One more description of a chunk's frames, u8 (5n, H, W, 3) -> f32 (n, d), for systems that look
# at whole pictures, which are not kept.
Describe = Callable[[NDArray[np.uint8]], Floats]


@dataclass(frozen=True)
class Stream:
    """A source and the folder where what was made of it is kept."""

    source: Source
    folder: Path
    key: str

    @classmethod
    def of(cls, source: Source, root: Path) -> "Stream":
        """Name the folder of a source below `root`; nothing is made yet."""
        key = digest(source.settings())
        return cls(source, root / key, key)

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.source.name

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.source.seconds

    @cached_property
    def truth(self) -> Truth:
        """What happens when."""
        rows = truth.read((self.folder / TRUTH).read_text(encoding="utf-8"))
        return Truth.of(rows, self.seconds)

    @property
    def prepared(self) -> bool:
        """Whether its features and its truth are there."""
        return self._features_path().is_file() and (self.folder / TRUTH).is_file()

    def prepare(self, *, jobs: int, keep_video: bool = True) -> None:
        """Make what is missing of the recording, its truth, its features and its thumbnails."""
        if self.prepared:
            return
        self._ensure_video(jobs)
        self._describe(self._features_path())
        if not keep_video:
            (self.folder / VIDEO).unlink(missing_ok=True)

    def corpus(self, day: int = 0) -> Corpus:
        """Return the features, as of a recording that begins at midnight of a day."""
        features = kept.load(self._features_path(), mel=True)
        return joined(
            [
                as_corpus(features.rows(slice(start, start + clips)), day * DAY_S + start)
                for start, clips in chunks_of(len(features))
            ]
        )

    def described(self, name: str, code: str, describe: Callable[[], Describe]) -> Floats:
        """Return one more description of the pictures (n, d), computed once and kept.

        `describe` is only called where it is missing. Raises FileNotFoundError where the video was
        not kept either.
        """
        path = self.folder / f"{name}-{code}.npy"
        if not path.is_file():
            rows = self._look(describe(), name)
            with drafted(path) as draft:
                np.save(draft, rows)
        return np.asarray(np.load(path), np.float32)

    def thumbnail(self, second: int) -> bytes:
        """Return the JPEG of a second's middle picture."""
        return thumbnails.read_thumbnail(self.folder / THUMBNAILS, second)

    def _features_path(self) -> Path:
        weights = current_trunk_weights()
        code = fingerprint(
            "indexing.footage.extraction", "indexing.footage.features", "indexing.media.probe"
        )
        return self.folder / f"features-{code}-{weights.stem if weights else 'random'}.safetensors"

    def _ensure_video(self, jobs: int) -> Path:
        path = self.folder / VIDEO
        if not (path.is_file() and (self.folder / TRUTH).is_file()):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.source.write(path, jobs)
            description = {"name": self.name, **self.source.settings()}
            write_text(self.folder / "settings.json", json.dumps(description, indent=2) + "\n")
        return path

    def _describe(self, path: Path) -> None:
        """Run the ingest's own description over the recording, chunk by chunk."""
        from indexing.footage.extraction import extract

        video, info = self._probed()
        parts: list[kept.Features] = []
        pictures: dict[int, bytes] = {}
        done, progress = 0, Progress(f"Describing {self.name}", info.duration_s, "clips")
        for start, clips in chunks_of(info.duration_s):
            extracted = extract(video, info, start, clips, on_batch=lambda: None)
            parts.append(extracted.features)
            pictures |= extracted.thumbnails
            done += clips
            progress.update(done)
        thumbnails.pack(self.folder / THUMBNAILS, pictures)
        with drafted(path) as draft:
            kept.save(kept.joined(parts), draft)

    def _look(self, describe: Describe, name: str) -> Floats:
        from indexing.media.decode import decode_chunk

        video, info = self._probed()
        rows: list[Floats] = []
        progress = Progress(f"Looking at {self.name} with {name}", info.duration_s, "clips")
        for start, clips in chunks_of(info.duration_s):
            frames = decode_chunk(video, info, start, clips).frames
            if frames is None:
                raise FileNotFoundError(f"{video} has no picture at second {start}.")
            rows.append(describe(frames))
            progress.update(start + clips)
        return np.concatenate(rows)

    def _probed(self) -> tuple[Path, MediaInfo]:
        video = self.folder / VIDEO
        info = probe(video)
        if info.duration_s != self.seconds:
            raise ValueError(f"{video} lasts {info.duration_s} s instead of {self.seconds}.")
        return video, info
