"""A small corpus in which kinds of events are seen and heard together, at known times."""

import numpy as np

from ml.corpus import Corpus
from ml.foreground import FOREGROUND_DIM
from ml.soundstats import sound_statistics

KINDS = ("red lorry", "blue bus", "whistle")
CHUNK = 60


def planted(
    seconds: int = 600, seed: int = 0, *, rate: float = 0.06
) -> tuple[Corpus, list[frozenset[str]]]:
    """Return a corpus of so many seconds and what happens in each of them.

    About every 1 / rate seconds an event of five seconds begins. Each kind has columns of its own
    in the picture's description and bands of its own in the sound, both under noise. The trunk's
    features are noise but for a faint trace.
    """
    kinds = np.random.default_rng(99)
    columns = [kinds.choice(FOREGROUND_DIM, 4, replace=False) for _ in KINDS]
    bands = [kinds.choice(128, 12, replace=False) for _ in KINDS]
    traces = [kinds.normal(0, 1, 432) for _ in KINDS]
    random = np.random.default_rng(seed)
    foreground = random.exponential(0.02, (seconds, FOREGROUND_DIM)).astype(np.float32)
    trunk = random.normal(0, 1, (seconds, 2, 432)).astype(np.float32)
    mel = random.normal(-60, 4, (seconds, 128, 64)).astype(np.float32)
    labels: list[set[str]] = [set() for _ in range(seconds)]
    for start in np.flatnonzero(random.random(seconds) < rate):
        kind = int(random.integers(len(KINDS)))
        event = slice(start, start + 5)
        foreground[event, columns[kind]] += random.uniform(0.08, 0.15)
        trunk[event] += 0.3 * traces[kind].astype(np.float32)
        mel[event, bands[kind]] += random.uniform(9, 15)
        for second in labels[event]:
            second.add(KINDS[kind])
    chunk = np.arange(seconds) // CHUNK
    sound = np.concatenate([sound_statistics(mel[chunk == c]) for c in np.unique(chunk)])
    corpus = Corpus(
        foreground=foreground,
        sound=sound,
        trunk=trunk.astype(np.float16),
        mel=mel.astype(np.float16),
        has_video=np.ones(seconds, bool),
        has_audio=np.ones(seconds, bool),
        at=np.arange(seconds, dtype=np.int64) + 1_000_000,
        chunk=chunk.astype(np.int64),
    )
    return corpus, [frozenset(second) for second in labels]
