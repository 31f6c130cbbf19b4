"""Footage in which picture and sound of one kind belong together."""

from dataclasses import dataclass, replace

import numpy as np

from ml.corpus import Corpus
from ml.distance import eq5
from ml.foreground import FOREGROUND_DIM
from ml.soundstats import SOUND_DIM

KINDS = 6
NEAREST = 10


@dataclass(frozen=True)
class Planted:
    """Clips of some kinds, each kind with a picture and a sound of its own."""

    corpus: Corpus
    kind: np.ndarray

    def without(self, **masks: np.ndarray) -> Corpus:
        """The same clips with absent modalities, whose rows must never be read."""
        spoilt = {"has_video": ("foreground", "trunk"), "has_audio": ("sound", "mel")}
        changes = dict(masks)
        for mask, present in masks.items():
            for field in spoilt[mask]:
                values = getattr(self.corpus, field).copy()
                values[~present] = 0
                changes[field] = values
        return replace(self.corpus, **changes)

    def crossing(self, z_v: np.ndarray, z_a: np.ndarray) -> float:
        """How often the sounds nearest to a picture are of its kind; 1/6 by chance."""
        return self._precision([eq5(row, z_a) for row in z_v])

    def search(self, z: np.ndarray) -> float:
        """How often the clips nearest to a clip are of its kind; 1/6 by chance."""
        distances = [eq5(row, z) for row in z]
        for clip, row in enumerate(distances):
            row[clip] = np.inf
        return self._precision(distances)

    def _precision(self, distances: list[np.ndarray]) -> float:
        near = np.argsort(np.stack(distances), axis=1)[:, :NEAREST]
        return float((self.kind[near] == self.kind[:, None]).mean())


def real_widths(corpus: Corpus) -> Corpus:
    """The same clips with as many columns as the product's descriptions have."""
    wide = {"foreground": FOREGROUND_DIM, "sound": SOUND_DIM}
    repeated = {
        field: np.tile(getattr(corpus, field), (1, -(-d // 15)))[:, :d] for field, d in wide.items()
    }
    return replace(corpus, **repeated)


def planted(n: int = 240, seed: int = 0, *, noise: float = 1.0, lasts: int = 3) -> Planted:
    """Make such footage; each kind lasts this many seconds at a time."""
    fixed, random = np.random.default_rng(5), np.random.default_rng(seed)
    foreground, sound, trunk, bins = (fixed.normal(size=(KINDS, d)) for d in (20, 15, 432, 128))
    kind = np.repeat(random.integers(0, KINDS, n // lasts + 1), lasts)[:n]

    def noisy(values: np.ndarray, *shape: int) -> np.ndarray:
        return np.asarray(values + noise * random.normal(size=(n, *shape)))

    corpus = Corpus(
        foreground=noisy(foreground[kind], 20).astype(np.float32),
        sound=noisy(sound[kind], 15).astype(np.float32),
        trunk=noisy(trunk[kind][:, None], 2, 432).astype(np.float16),
        mel=(-50 + 8 * noisy(bins[kind][:, :, None], 128, 64)).astype(np.float16),
        has_video=np.ones(n, bool),
        has_audio=np.ones(n, bool),
        at=np.arange(n),
        chunk=np.arange(n) // 60,
    )
    return Planted(corpus, kind)
