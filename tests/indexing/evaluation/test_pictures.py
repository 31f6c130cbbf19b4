"""Contact sheets from a stream whose pictures are plain colours and whose truth is known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexing.evaluation.pictures import Kept, draw
from indexing.evaluation.sheets import HEIGHT, LINE, MARGIN, NAMES, RIGHT, WIDTH, WRONG
from indexing.evaluation.sources import Street
from indexing.evaluation.streams import THUMBNAILS, TRUTH, Stream
from indexing.evaluation.summary import Results
from indexing.evaluation.systems import MAIN, OURS, TPG
from indexing.media import thumbnails
from ml.baselines.system import Embedded
from ml.crossroads import truth
from ml.crossroads.truth import Occurrence

SECONDS = 600
AMBULANCES = (50, 200, 350, 500)


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    stream = Stream.of(Street("A", 1, SECONDS), tmp_path / "streams")
    stream.folder.mkdir(parents=True)
    rows = [Occurrence("ambulance", (s, s + 4.0), (s, s + 4.0), "", "day") for s in AMBULANCES]
    (stream.folder / TRUTH).write_text(truth.write(rows))
    grey = thumbnails.jpeg(np.full((112, 200, 3), 128, np.uint8))
    thumbnails.pack(stream.folder / THUMBNAILS, dict.fromkeys(range(SECONDS), grey))
    return stream


def kept(stream: Stream, *, knows: bool) -> Kept:
    """A system that tells ambulances from all else, or nothing from anything."""
    z = np.random.default_rng(1).normal(size=(SECONDS, 4)).astype(np.float32)
    event = stream.truth.anything()
    if knows:
        z[event] += 20
    present = np.ones(SECONDS, bool)
    odd = np.where(event & knows, 5.0, 0.0)
    return Kept(stream, Embedded(z, z, present, present), {"neighbour": (odd, 3.0)})


def marks(path: Path, row: int, column: int) -> tuple[int, ...]:
    """The colour of a picture's frame."""
    x, y = NAMES + column * (WIDTH + MARGIN) + WIDTH // 2, 2 * LINE + row * (HEIGHT + LINE + MARGIN)
    with Image.open(path) as image:
        colour = image.getpixel((x, y + 1))
    assert isinstance(colour, tuple)
    return colour


def near(colour: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 60 for a, b in zip(colour, wanted, strict=True))


def test_hits_and_alarms_are_framed_by_whether_they_are_right(
    tmp_path: Path, stream: Stream
) -> None:
    results = [
        {
            "system": name,
            "table": MAIN,
            "test": "same view",
            "search": {},
            "anomaly": {},
            "anomaly_score": "neighbour",
            "location": {},
            "curves": [],
        }
        for name in (OURS, TPG)
    ]
    found = {OURS: kept(stream, knows=True), TPG: kept(stream, knows=False)}
    captions = draw(tmp_path, Results(results), found)
    assert {"search-ambulance.jpg", "anomalies.jpg", "maps.png"} <= set(captions)
    assert "search-police.jpg" not in captions
    search, anomalies = tmp_path / "search-ambulance.jpg", tmp_path / "anomalies.jpg"
    assert [near(marks(search, 1, column), RIGHT) for column in range(3)] == [True] * 3
    assert near(marks(search, 1, 3), WRONG)  # there are but three others
    assert all(near(marks(anomalies, 0, column), RIGHT) for column in range(4))
    assert all(near(marks(anomalies, 1, column), WRONG) for column in range(4))
