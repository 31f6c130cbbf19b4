from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.crossroads.bodies import BODIES
from ml.crossroads.geometry import HEIGHT, WIDTH, path_named
from ml.crossroads.kinds import KINDS
from ml.crossroads.light import LightName
from ml.crossroads.picture import FPS, Renderer
from ml.crossroads.plan import draw_plan
from ml.crossroads.sprites import Pose, draw_vehicle
from ml.crossroads.views import VIEWS


@lru_cache
def renderer(view: str = "A", light: LightName = "day") -> Renderer:
    return Renderer(draw_plan(4, view, 600, light))


def peak_share(view: str, kind: str, trajectory: str) -> float:
    """The largest part of the frame a vehicle covers on its way, from its drawn pixels."""
    dark = np.full(3, 0.3)
    path = path_named(trajectory)
    shares = [0.0]
    for s in np.arange(path.length / 2 - 60, path.length / 2 + 60, 3.0):
        pose = Pose(*path.at(float(s)), dark, dark, dark, np.array([0.3, 0.3, 0.9]))
        sprite = draw_vehicle(VIEWS[view].camera, BODIES[kind], 0, pose)
        if sprite is not None:
            shares.append(float((sprite.alpha == 255).sum()) / (WIDTH * HEIGHT))
    return max(shares)


@pytest.mark.parametrize("view", ["A", "B"])
@pytest.mark.parametrize(
    ("kind", "low", "high"), [("pink_bus", 0.03, 0.06), ("ambulance", 0.01, 0.03)]
)
def test_sizes_are_those_of_real_surveillance(
    view: str, kind: str, low: float, high: float
) -> None:
    for trajectory in KINDS[kind].trajectories:
        assert low <= peak_share(view, kind, trajectory) <= high


def test_objects_are_smaller_in_the_challenging_view() -> None:
    assert peak_share("C", "pink_bus", "W-E") < 0.75 * peak_share("A", "pink_bus", "W-E")


def test_a_frame_depends_on_its_number_alone() -> None:
    one = Renderer(draw_plan(4, "A", 600, "day"))
    expected = one.frame(1234)
    one.frame(17)
    assert (one.frame(1234) == expected).all()
    assert (renderer().frame(1234) == expected).all()
    assert expected.shape == (HEIGHT, WIDTH, 3)
    assert expected.dtype == np.uint8


def test_noise_changes_from_frame_to_frame_and_is_stronger_in_the_challenging_view() -> None:
    def noise(view: str) -> float:
        corner = [renderer(view).frame(n)[-40:, :40].astype(float) for n in (3000, 3001)]
        return float(np.std(corner[1] - corner[0]))

    assert 1 < noise("A") < noise("C") < 12


def test_night_is_dark_with_bright_lamps() -> None:
    day, night = renderer().frame(900), renderer("A", "night").frame(900)
    assert night.mean() < 0.65 * day.mean()
    assert night.max() > 230


def pink(frame: NDArray[np.uint8]) -> int:
    r, g, b = (frame[..., k].astype(int) for k in range(3))
    return int(((r - g > 50) & (b - g > 20) & (r > b)).sum())


def test_the_pink_bus_is_in_the_picture_when_the_truth_says_so() -> None:
    plan = renderer().plan
    bus = next(e for e in plan.events if e.kind == "pink_bus")
    assert bus.seen
    shown = max(pink(renderer().frame(int(t * FPS))) for t in np.arange(*bus.seen, 1.0))
    assert shown > 0.015 * WIDTH * HEIGHT
    assert pink(renderer().frame(int((bus.seen[0] - 8) * FPS))) < 0.004 * WIDTH * HEIGHT


def blue(frame: NDArray[np.uint8]) -> int:
    r, b = frame[..., 0].astype(int), frame[..., 2].astype(int)
    return int((b - r > 60).sum())


def test_the_ambulance_flashes_blue_at_night() -> None:
    scene = renderer("A", "night")
    ambulance = next(e for e in scene.plan.events if e.kind == "ambulance")
    assert ambulance.seen
    middle = int(sum(ambulance.seen) / 2 * FPS)
    flashes = [blue(scene.frame(n)) for n in range(middle, middle + 10)]
    assert max(flashes) > 60
    assert min(flashes) < max(flashes) / 3


def test_something_moves_most_of_the_time() -> None:
    still = 0
    for second in range(0, 600, 20):
        a, b = (renderer().frame(second * FPS + k).astype(int) for k in (0, 5))
        still += int((np.abs(a - b).max(axis=2) > 30).sum() < 40)
    assert still <= 6


def test_edges_of_sprites_are_no_brighter_than_what_they_cover_allows() -> None:
    bright = np.full(3, 1.2)
    pose = Pose(0, 0, 1, 0, bright, bright, bright, np.array([0.3, 0.3, 0.9]))
    sprite = draw_vehicle(VIEWS["A"].camera, BODIES["ambulance"], 0, pose)
    assert sprite is not None
    assert (sprite.colour <= sprite.alpha[..., None]).all()
