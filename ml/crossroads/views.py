"""The three places that are filmed: A, B (similar) and C (challenging)."""

from dataclasses import dataclass

from ml.crossroads.geometry import Camera

Box = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Building:
    """A block from x0, y0 to x1, y1, `height` metres high, with a facade's colour and style."""

    x0: float
    y0: float
    x1: float
    y1: float
    height: float
    colour: tuple[int, int, int]
    storey: float = 3.2
    bay: float = 2.6


@dataclass(frozen=True)
class View:
    """A camera, where its microphone hangs, and what stands around its crossing.

    Trees and poles are x, y and height; parked cars a body, x, y, heading in degrees and paint.
    `tint` colours the light, `sun` points to the sun, `noise` scales the sensor's.
    """

    name: str
    camera: Camera
    microphone: tuple[float, float, float]
    buildings: tuple[Building, ...]
    trees: tuple[tuple[float, float, float], ...]
    poles: tuple[tuple[float, float, float], ...]
    parked: tuple[tuple[str, float, float, float, int], ...]
    noise: float
    tint: tuple[float, float, float]
    sun: tuple[float, float, float]
    texture_seed: int


_BRICK, _CREAM, _GREY, _OCHRE, _WHITE, _SLATE = (
    (140, 84, 66),
    (196, 182, 152),
    (132, 134, 138),
    (186, 148, 92),
    (206, 206, 200),
    (96, 104, 116),
)

VIEWS = {
    "A": View(
        "A",
        Camera((-31.4, -77.4, 27.0), (1.0, 2.2, 0.0), 25.4),
        (-14.0, -20.0, 6.0),
        (
            Building(-52, 9.4, -9.6, 26, 11.5, _BRICK),
            Building(9.6, 9.4, 38, 28, 14.5, _CREAM, 3.4, 3.0),
            Building(38, 9.4, 80, 30, 10.0, _GREY, 3.0, 2.2),
            Building(-60, 26, -9.6, 60, 16, _OCHRE),
            Building(9.6, 28, 40, 75, 12, _SLATE),
            Building(-60, 60, -9.6, 120, 13, _WHITE),
            Building(9.6, 75, 40, 130, 17, _BRICK),
            Building(-90, -40, -34, -9.4, 9, _WHITE),
            Building(26, -50, 70, -9.6, 10, _OCHRE),
        ),
        (
            (-13.5, 7.8, 6.0),
            (15.5, 7.6, 6.8),
            (27.0, 7.8, 5.6),
            (-15.0, -10.5, 4.6),
            (8.0, 30.0, 7),
        ),
        ((-8.0, -8.0, 8.5), (8.0, 8.0, 8.5), (-8.2, 8.0, 6.0), (19.0, -7.6, 8.5)),
        (("sedan", 17.5, -5.0, 0.0, 3), ("hatchback", -16.0, 5.0, 180.0, 5)),
        1.0,
        (1.0, 1.0, 0.98),
        (-0.55, -0.55, 0.63),
        11,
    ),
    "B": View(
        "B",
        Camera((36.5, -71.5, 29.7), (-0.6, 1.6, 0.0), 26.3),
        (14.0, -19.0, 6.0),
        (
            Building(-50, 9.4, -9.6, 30, 13.5, _WHITE, 3.3, 3.2),
            Building(9.6, 9.4, 44, 24, 9.5, _SLATE),
            Building(44, 9.4, 90, 30, 12.0, _BRICK),
            Building(-50, 30, -9.6, 80, 11, _GREY),
            Building(9.6, 24, 40, 80, 15, _OCHRE, 3.0, 2.3),
            Building(-60, 80, -9.6, 130, 15, _BRICK),
            Building(9.6, 80, 40, 130, 11, _CREAM),
            Building(-80, -45, -27, -9.6, 9, _CREAM),
        ),
        ((-19.0, 7.8, 6.4), (12.5, 7.8, 5.4), (18.0, -11.0, 4.2), (-8.2, 27.0, 6.5)),
        ((8.0, -8.2, 8.5), (-8.0, 8.0, 8.5), (8.2, 8.2, 6.0), (-20.0, -7.6, 8.5)),
        (("suv", -18.0, -5.0, 0.0, 1), ("van", 17.0, 5.1, 180.0, 2)),
        1.25,
        (1.02, 0.99, 0.93),
        (0.6, -0.45, 0.66),
        23,
    ),
    "C": View(
        "C",
        Camera((-58.0, -67.5, 38.0), (-0.5, 1.0, 0.0), 31.0),
        (-20.0, -24.0, 7.0),
        (
            Building(-70, 9.4, -9.6, 24, 8.5, _GREY, 3.0, 2.2),
            Building(9.6, 9.4, 44, 30, 17.0, _SLATE, 3.2, 2.8),
            Building(44, 9.4, 90, 30, 13.0, _CREAM),
            Building(-60, 24, -9.6, 80, 12, _BRICK),
            Building(9.6, 30, 50, 90, 20, _WHITE, 3.0, 2.4),
            Building(18, -60, 70, -9.6, 10, _BRICK),
        ),
        (
            (-12.0, -8.6, 6.6),
            (-21.0, -8.0, 7.2),
            (-8.4, -18.0, 6.2),
            (10.0, 8.4, 6.5),
            (-14.0, 7.9, 6.0),
            (18.0, -8.0, 6.8),
            (8.2, 22.0, 6.5),
        ),
        ((-8.0, -7.9, 8.5), (8.0, 8.0, 8.5), (-8.2, 8.0, 6.0), (7.8, -8.2, 8.5), (-27, -7.8, 8.5)),
        (("hatchback", 19.5, 5.0, 180.0, 4), ("sedan", -18.0, -5.0, 0.0, 0)),
        2.0,
        (0.94, 0.98, 1.04),
        (-0.3, 0.62, 0.6),
        37,
    ),
}
