"""What a trunk is asked about a clip, and the answers that the renderer knows.

Every answer is yes or no, of anything in the clip: is there a long one, a pink one, a long pink
one, one that flashes blue, one going left, a fast one, a large one?
"""

import math

import numpy as np
from numpy.typing import NDArray

from ml.crossroads.sprites import Person
from ml.pretrain.scenes import Seen
from ml.pretrain.things import COLOURS, Shape, Thing, colour_bin

Floats = NDArray[np.float32]

WAYS = 8
# Edges between dawdling, slow, brisk and fast, in window widths a second at a window of 224.
PACES = (0.03, 0.12, 0.35)
# Edges between tiny, small, middling and large, in parts of a window of 224.
SIZES = (0.002, 0.008, 0.03)
FLASHES = 4  # any, blue, amber, red
BLOCKS = {
    "shape": len(Shape),
    "colour": COLOURS,
    "any colour": COLOURS,
    "shape and colour": (len(Shape) - 1) * COLOURS,
    "flash": FLASHES,
    "way": WAYS,
    "pace": len(PACES) + 1,
    "size": len(SIZES) + 1,
}
ANSWERS = sum(BLOCKS.values())
_FIRST = dict(zip(BLOCKS, np.cumsum([0, *BLOCKS.values()])[:-1].tolist(), strict=True))


def answers(seen: tuple[Seen, ...], zoom: float) -> Floats:
    """Answer all questions about a clip: (ANSWERS,) of 0 and 1.

    `zoom` is the window's size as a part of 224, by which what is seen is smaller than it seems.
    """
    told = np.zeros(ANSWERS, np.float32)
    for one in seen:
        told[_looks(one.thing)] = 1
        step = math.hypot(one.right, one.down) * zoom
        told[_FIRST["pace"] + int(np.digitize(step, PACES))] = 1
        told[_FIRST["size"] + int(np.digitize(one.share * zoom**2, SIZES))] = 1
        if step > PACES[0]:
            turn = math.atan2(one.down, one.right) / (2 * math.pi)
            told[_FIRST["way"] + round(turn * WAYS) % WAYS] = 1
    return told


def _looks(thing: Thing | Person) -> list[int]:
    """The columns that say yes to what a thing looks like."""
    if isinstance(thing, Person):
        return [_FIRST["shape"] + Shape.WALKER]
    columns = [
        _FIRST["shape"] + thing.shape,
        _FIRST["colour"] + thing.main,
        _FIRST["any colour"] + thing.main,
        _FIRST["any colour"] + thing.second,
        _FIRST["shape and colour"] + thing.shape * COLOURS + thing.main,
    ]
    if thing.lamps is not None:
        # Blue lies in the bins of hue from cyan to violet, amber and red before them.
        hue = colour_bin(thing.lamps.colour)
        columns += [_FIRST["flash"], _FIRST["flash"] + {5: 1, 1: 2, 0: 3}[hue]]
    return columns
