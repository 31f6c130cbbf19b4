"""Clips in batches, drawn by processes of their own while the network learns.

A batch holds a few places, and in each a few designs, every one filmed twice: another moment,
another light, another spot, other company. What is common to a place tells nothing about a design.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ml.preprocess import CROP
from ml.pretrain.answers import answers
from ml.pretrain.places import draw_place
from ml.pretrain.scenes import Clip, film
from ml.pretrain.things import Thing, draw_ordinary, draw_thing

PLACES, DESIGNS, TAKES = 4, 4, 2
BATCH = PLACES * DESIGNS * TAKES
TRAFFIC = 6  # ordinary designs of a place
COMPANY = (0.35, 0.3, 0.2, 0.15)  # how often so many others are beside a design


# A window's side in the trunk's pixels, and how many frames.
Size = tuple[int, int]


@dataclass(frozen=True)
class Batch:
    """Clips u8 (n, T, S, S, 3), the answers about each (n, ANSWERS), and whose clip it is (n,)."""

    frames: Tensor
    answers: Tensor
    design: Tensor


def draw_batch(seed: int, step: int, size: int, frames: int) -> Batch:
    """Draw the batch of one step; the same numbers give the same batch."""
    clips: list[Clip] = []
    designs: list[int] = []
    for place_number in range(PLACES):
        number = (seed * (1 << 20) + step) * PLACES + place_number
        place = draw_place(number)
        traffic = [draw_ordinary(number * TRAFFIC + n) for n in range(TRAFFIC)]
        for take in range(DESIGNS * TAKES):
            design = number * DESIGNS + take // TAKES
            rng = np.random.default_rng([design, take, 51])
            clips.append(film(place, rng, draw_thing(design), _company(rng, traffic), size, frames))
            designs.append(design)
    told = np.stack([answers(clip.seen, size / CROP) for clip in clips])
    return Batch(
        torch.from_numpy(np.stack([clip.frames for clip in clips])),
        torch.from_numpy(told),
        torch.tensor(designs),
    )


def _company(rng: np.random.Generator, traffic: list[Thing]) -> list[Thing]:
    count = int(rng.choice(len(COMPANY), p=COMPANY))
    return [traffic[int(rng.integers(len(traffic)))] for _ in range(count)]


class _Steps(Dataset[Batch]):
    """Every step's batch, so that any process can draw any of them."""

    def __init__(self, seed: int, sizes: list[Size], first: int) -> None:
        self.seed, self.sizes, self.first = seed, sizes, first

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Batch:
        torch.set_num_threads(1)
        return draw_batch(self.seed, self.first + index, *self.sizes[index])


def batches(seed: int, sizes: list[Size], *, first: int, processes: int) -> Iterator[Batch]:
    """Yield the batches of steps from `first` on, one for each of `sizes`.

    `processes` draw them ahead; with none they are drawn when they are asked for.
    """
    steps = _Steps(seed, sizes, first)
    yield from DataLoader(
        steps,
        batch_size=None,
        num_workers=processes,
        prefetch_factor=3 if processes else None,
    )
