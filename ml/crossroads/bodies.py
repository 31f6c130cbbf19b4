"""The shapes of vehicles: convex parts with windows, wheels, stripes and lights on them.

Local coordinates are metres: x forward, y to the left, z up from the road.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Colour = tuple[int, int, int]
Point2 = tuple[float, float]

GLASS: Colour = (46, 56, 66)
TYRE: Colour = (24, 24, 26)
HUB: Colour = (128, 130, 134)
DARK: Colour = (38, 39, 42)
PAINT: Colour = (-1, -1, -1)
PLAIN, HEAD, TAIL, FLASH_A, FLASH_B, WINDOW = range(6)

PAINTS: tuple[Colour, ...] = (
    (214, 216, 218),
    (232, 232, 228),
    (32, 33, 36),
    (58, 62, 68),
    (128, 132, 136),
    (164, 168, 172),
    (36, 58, 110),
    (70, 104, 150),
    (132, 28, 30),
    (168, 40, 34),
    (48, 78, 58),
    (176, 160, 128),
    (206, 172, 60),
    (94, 62, 44),
)


@dataclass(frozen=True)
class Part:
    """A group of faces that is drawn as one: lower layers first, then by distance along x."""

    layer: int
    middle: float


@dataclass
class Mesh:
    """Faces in the making; see `Body` for the arrays they become."""

    vertices: list[tuple[float, float, float]] = field(default_factory=list)
    faces: list[tuple[int, int]] = field(default_factory=list)
    normals: list[Floats] = field(default_factory=list)
    colours: list[Colour] = field(default_factory=list)
    glow: list[int] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    part: Part = Part(0, 0.0)

    def face(
        self,
        points: Sequence[tuple[float, float, float]],
        colour: Colour,
        inside: tuple[float, float, float],
        glow: int = PLAIN,
    ) -> None:
        """Add a flat polygon whose outer side looks away from a point `inside`."""
        corners = np.array(points, dtype=np.float64)
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        normal /= max(float(np.linalg.norm(normal)), 1e-9)
        if normal @ (corners.mean(axis=0) - np.array(inside)) < 0:
            normal = -normal
        self.faces.append((len(self.vertices), len(points)))
        self.vertices += list(points)
        self.normals.append(normal)
        self.colours.append(colour)
        self.glow.append(glow)
        self.parts.append(self.part)

    def prism(
        self,
        profile: Sequence[Point2],
        widths: Sequence[float],
        colour: Colour,
        strips: dict[int, Colour] | None = None,
        layer: int = 0,
    ) -> None:
        """A convex side profile (x, z), as wide as `widths` (half) at each point, skin and sides.

        `strips` colours the skin between a point and the next; those at the bottom are left out.
        """
        x = sum(p[0] for p in profile) / len(profile)
        z = sum(p[1] for p in profile) / len(profile)
        self.part = Part(layer, x)
        low = min(p[1] for p in profile) + 0.01
        for side in (-1, 1):
            rim = [(px, side * w, pz) for (px, pz), w in zip(profile, widths, strict=True)]
            self.face(rim, colour, (x, 0.0, z))
        for i, (a, wa) in enumerate(zip(profile, widths, strict=True)):
            b, wb = profile[(i + 1) % len(profile)], widths[(i + 1) % len(profile)]
            if a[1] <= low and b[1] <= low:
                continue
            quad = [(a[0], -wa, a[1]), (a[0], wa, a[1]), (b[0], wb, b[1]), (b[0], -wb, b[1])]
            self.face(quad, colour, (x, 0.0, z))
            if strips and i in strips:
                self.inset(quad, strips[i], (x, 0.0, z), WINDOW if strips[i] == GLASS else PLAIN)

    def inset(
        self,
        quad: Sequence[tuple[float, float, float]],
        colour: Colour,
        inside: tuple[float, float, float],
        glow: int = PLAIN,
        share: float = 0.86,
    ) -> None:
        """A smaller copy of a polygon on itself, like a windscreen in its frame."""
        corners = np.array(quad)
        middle = corners.mean(axis=0)
        smaller = middle + (corners - middle) * share
        self.face([(float(a), float(b), float(c)) for a, b, c in smaller], colour, inside, glow)

    def box(self, x: Point2, half: float, z: Point2, colour: Colour, layer: int = 0) -> None:
        """A plain box from x[0] to x[1] and z[0] to z[1]."""
        profile = [(x[0], z[0]), (x[1], z[0]), (x[1], z[1]), (x[0], z[1])]
        self.prism(profile, [half] * 4, colour, layer=layer)

    def sides(
        self,
        points: Sequence[Point2],
        half: Callable[[float], float],
        colour: Colour,
        glow: int = 0,
    ) -> None:
        """The same polygon (x, z) on both sides, where the body is `half(z)` wide."""
        x = sum(p[0] for p in points) / len(points)
        for side in (-1, 1):
            rim = [(px, side * half(pz), pz) for px, pz in points]
            self.face(rim, colour, (x, 0.0, points[0][1]), glow)

    def wheels(self, at: Sequence[float], radius: float, half: float) -> None:
        """Tyres and hubs on both sides."""
        turn = np.linspace(0, 2 * np.pi, 13)[:-1]
        for x in at:
            for size, colour in ((1.0, TYRE), (0.55, HUB)):
                rim = [
                    (x + size * radius * float(np.cos(a)), radius * (1 + size * float(np.sin(a))))
                    for a in turn
                ]
                self.sides(rim, lambda _: half + 0.01, colour)

    def ends(self, x: float, half: float, z: Point2, width: float, glow: int) -> None:
        """A pair of lights on the front (x > 0) or the back."""
        colour: Colour = (236, 236, 224) if glow == HEAD else (170, 24, 20)
        x += 0.02 if x > 0 else -0.02
        for side in (-1, 1):
            a, b = side * half, side * (half - width)
            quad = [(x, a, z[0]), (x, b, z[0]), (x, b, z[1]), (x, a, z[1])]
            self.face(quad, colour, (0.0, a, z[0]), glow)


@dataclass(frozen=True, eq=False)
class Body:
    """A finished shape: V vertices, F faces, in an order to draw them from before or behind."""

    name: str
    length: float
    width: float
    height: float
    vertices: Floats
    faces: tuple[tuple[int, int], ...]
    normals: Floats
    centres: Floats
    colours: Floats
    painted: NDArray[np.bool_]
    glow: NDArray[np.int64]
    order_ahead: NDArray[np.int64]
    order_behind: NDArray[np.int64]

    def corners(self, x: float, y: float, dx: float, dy: float) -> Floats:
        """The 8 corners of its bounding box (8, 3) at a place and heading."""
        half = np.array([self.length / 2, self.width / 2])
        signs = np.array([(a, b) for a in (-1, 1) for b in (-1, 1)]) * half
        flat = np.outer(signs[:, 0], (dx, dy)) + np.outer(signs[:, 1], (-dy, dx)) + (x, y)
        low = np.column_stack([flat, np.zeros(4)])
        return np.concatenate([low, low + np.array([0.0, 0.0, self.height])])


def finish(name: str, mesh: Mesh) -> Body:
    """Turn a mesh into the arrays that are drawn."""
    vertices = np.array(mesh.vertices)
    colours = np.array(mesh.colours, dtype=np.float64)
    keys = [(p.layer, p.middle, i) for i, p in enumerate(mesh.parts)]
    ahead = sorted(range(len(keys)), key=lambda i: keys[i])
    behind = sorted(range(len(keys)), key=lambda i: (keys[i][0], -keys[i][1], i))
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    return Body(
        name,
        float(high[0] - low[0]),
        float(high[1] - low[1]),
        float(high[2]),
        vertices,
        tuple(mesh.faces),
        np.array(mesh.normals),
        np.array([vertices[a : a + n].mean(axis=0) for a, n in mesh.faces]),
        colours,
        colours[:, 0] < 0,
        np.array(mesh.glow),
        np.array(ahead),
        np.array(behind),
    )


def _straight(half: float) -> Callable[[float], float]:
    return lambda _: half + 0.012


def _leaning(low: Point2, high: Point2) -> Callable[[float], float]:
    """Half width as a line between (z, half) at the bottom and at the top."""
    return lambda z: low[1] + (high[1] - low[1]) * (z - low[0]) / (high[0] - low[0]) + 0.012


def _car(
    length: float,
    width: float,
    belt: float,
    height: float,
    cabin: tuple[float, float, float, float],
    paint: Colour = PAINT,
    radius: float = 0.32,
) -> Mesh:
    """A passenger car; `cabin` is the x of tail, roof's back, roof's front and screen's foot."""
    mesh, a, w = Mesh(), length / 2, width / 2
    hood = belt - 0.1
    lower = [
        (-a + 0.06, 0.26),
        (a - 0.08, 0.26),
        (a, 0.5),
        (a - 0.12, hood - 0.08),
        (cabin[3], belt),
        (cabin[0], belt),
        (-a + 0.04, belt - 0.06),
        (-a, 0.55),
    ]
    mesh.prism(lower, [w, w * 0.94, w * 0.94, w * 0.92, w, w, w * 0.94, w * 0.95], paint)
    mesh.sides(
        [(-a + 0.1, 0.26), (a - 0.1, 0.26), (a - 0.06, 0.4), (-a + 0.06, 0.4)], _straight(w), DARK
    )
    mesh.wheels((-a * 0.6, a * 0.62), radius, w)
    mesh.ends(a, w * 0.88, (0.52, 0.68), 0.36, HEAD)
    mesh.ends(-a, w * 0.9, (0.58, 0.74), 0.34, TAIL)
    tail, back, front, foot = cabin
    top = w * 0.76
    upper = [(tail, belt - 0.02), (foot, belt - 0.02), (front, height), (back, height)]
    mesh.prism(upper, [w * 0.96, w * 0.96, top, top], paint, {1: GLASS, 3: GLASS}, layer=1)
    lean = _leaning((belt, w * 0.96), (height, top))
    rise = height - belt
    low, high = belt + 0.08 * rise, belt + 0.84 * rise

    def slope_f(z: float) -> float:
        return foot + (front - foot) * (z - belt) / rise

    def slope_b(z: float) -> float:
        return tail + (back - tail) * (z - belt) / rise

    pillar = (slope_f(high) + slope_b(high)) / 2
    for x0, x1, x2, x3 in (
        (slope_b(low) + 0.14, pillar - 0.05, pillar - 0.05, slope_b(high) + 0.12),
        (pillar + 0.05, slope_f(low) - 0.12, slope_f(high) - 0.1, pillar + 0.05),
    ):
        mesh.sides([(x0, low), (x1, low), (x2, high), (x3, high)], lean, GLASS, WINDOW)
    return mesh


def _sedan() -> Mesh:
    return _car(4.6, 1.82, 0.92, 1.45, (-1.75, -1.05, 0.25, 1.05))


def _hatchback() -> Mesh:
    return _car(3.9, 1.72, 0.95, 1.5, (-1.88, -1.55, 0.2, 0.95))


def _suv() -> Mesh:
    return _car(4.65, 1.92, 1.08, 1.74, (-2.2, -1.9, 0.3, 1.1), radius=0.38)


def _sports_car() -> Mesh:
    mesh = _car(4.45, 1.96, 0.72, 1.13, (-1.5, -0.65, -0.1, 0.95), (206, 18, 22), 0.34)
    mesh.part = Part(2, -2.0)
    mesh.prism(
        [(-2.2, 0.86), (-1.85, 0.86), (-1.85, 0.92), (-2.2, 0.92)],
        [0.85] * 4,
        (150, 12, 16),
        layer=2,
    )
    return mesh


def _van_mesh(length: float, width: float, height: float, paint: Colour, screen: float) -> Mesh:
    """A box van: one body with a sloping front; `screen` is the x where its roof ends."""
    mesh, a, w = Mesh(), length / 2, width / 2
    body = [
        (-a, 0.35),
        (a - 0.05, 0.35),
        (a, 0.7),
        (a - 0.1, 1.05),
        (a - 0.55, 1.2),
        (screen, height),
        (-a + 0.05, height),
    ]
    mesh.prism(body, [w] * 5 + [w * 0.93] * 2, paint, {4: GLASS})
    lean = _leaning((1.2, w), (height, w * 0.93))
    glass = [
        (screen - 0.55, 1.25),
        (a - 0.75, 1.25),
        (screen + 0.05, height - 0.4),
        (screen - 0.55, height - 0.4),
    ]
    mesh.sides(glass, lean, GLASS, WINDOW)
    mesh.sides([(-a, 0.35), (a - 0.1, 0.35), (a - 0.05, 0.5), (-a, 0.5)], _straight(w), DARK)
    mesh.wheels((-a * 0.58, a * 0.62), 0.36, w)
    mesh.ends(a, w * 0.92, (0.72, 0.92), 0.3, HEAD)
    mesh.ends(-a, w * 0.97, (0.75, 1.1), 0.16, TAIL)
    return mesh


def _van() -> Mesh:
    return _van_mesh(5.2, 1.96, 2.1, PAINT, 1.15)


def _light_bar(mesh: Mesh, x: float, z: float, half: float) -> None:
    """Two blue lamps across the roof that flash in turn."""
    for side, glow in ((-1, FLASH_A), (1, FLASH_B)):
        mesh.part = Part(3, x)
        y0, y1 = sorted((side * 0.08, side * half))
        corners = [
            (px, py) for px, py in ((x - 0.2, y0), (x + 0.2, y0), (x + 0.2, y1), (x - 0.2, y1))
        ]
        top = [(px, py, z + 0.22) for px, py in corners]
        inside = (x, (y0 + y1) / 2, z + 0.1)
        for i in range(4):
            (ax, ay), (bx, by) = corners[i], corners[(i + 1) % 4]
            mesh.face(
                [(ax, ay, z), (bx, by, z), (bx, by, z + 0.22), (ax, ay, z + 0.22)],
                (40, 70, 190),
                inside,
                glow,
            )
        mesh.face(top, (50, 84, 210), inside, glow)


def _ambulance() -> Mesh:
    mesh = _van_mesh(6.1, 2.1, 2.55, (240, 241, 238), 1.5)
    w = 1.05
    mesh.sides([(-3.05, 0.92), (2.4, 0.92), (2.3, 1.2), (-3.05, 1.2)], _straight(w), (214, 60, 40))
    mesh.sides(
        [(-1.3, 1.5), (0.2, 1.5), (0.2, 2.05), (-1.3, 2.05)], _straight(w), (70, 96, 150), WINDOW
    )
    rear = [(-3.07, -0.9, 0.8), (-3.07, 0.9, 0.8), (-3.07, 0.9, 1.2), (-3.07, -0.9, 1.2)]
    mesh.face(rear, (214, 60, 40), (0.0, 0.0, 1.0))
    _light_bar(mesh, 1.3, 2.55, 0.85)
    return mesh


def _police() -> Mesh:
    mesh = _car(4.75, 1.86, 0.94, 1.5, (-1.85, -1.2, 0.25, 1.05), (226, 230, 234))
    mesh.sides([(-2.2, 0.5), (2.1, 0.5), (2.1, 0.74), (-2.2, 0.74)], _straight(0.93), (28, 62, 150))
    hood = [(1.15, -0.75, 0.93), (1.15, 0.75, 0.93), (2.15, 0.7, 0.78), (2.15, -0.7, 0.78)]
    mesh.face(hood, (28, 62, 150), (0.0, 0.0, 0.4))
    _light_bar(mesh, -0.35, 1.5, 0.62)
    return mesh


def _bus_mesh(paint: Colour, trim: Colour) -> Mesh:
    mesh, a, w, h = Mesh(), 5.5, 1.27, 3.05
    body = [
        (-a, 0.32),
        (a - 0.05, 0.32),
        (a, 0.9),
        (a - 0.12, h - 0.1),
        (a - 0.4, h),
        (-a + 0.15, h),
        (-a, h - 0.15),
    ]
    mesh.prism(body, [w] * 7, paint, {2: GLASS})
    mesh.sides([(-a, 0.32), (a - 0.05, 0.32), (a - 0.03, 0.55), (-a, 0.55)], _straight(w), trim)
    for i in range(6):
        x = -a + 0.35 + i * 1.55
        mesh.sides(
            [(x, 1.35), (x + 1.42, 1.35), (x + 1.42, 2.45), (x, 2.45)], _straight(w), GLASS, WINDOW
        )
    mesh.sides([(4.0, 0.6), (4.95, 0.6), (4.9, 2.45), (4.0, 2.45)], _straight(w), GLASS, WINDOW)
    back = [
        (-a - 0.01, -1.0, 1.7),
        (-a - 0.01, 1.0, 1.7),
        (-a - 0.01, 1.0, 2.6),
        (-a - 0.01, -1.0, 2.6),
    ]
    mesh.face(back, GLASS, (0.0, 0.0, 1.5), WINDOW)
    for x in (-2.6, 0.4):
        vent = [
            (x, -0.7, h + 0.01),
            (x + 1.5, -0.7, h + 0.01),
            (x + 1.5, 0.7, h + 0.01),
            (x, 0.7, h + 0.01),
        ]
        mesh.face(vent, trim, (0.0, 0.0, 1.0))
    mesh.wheels((-a * 0.52, a * 0.6), 0.48, w)
    mesh.ends(a, 1.15, (0.62, 0.86), 0.35, HEAD)
    mesh.ends(-a, 1.2, (0.75, 1.15), 0.2, TAIL)
    return mesh


def _pink_bus() -> Mesh:
    return _bus_mesh((232, 92, 158), (190, 60, 120))


def _city_bus() -> Mesh:
    return _bus_mesh((198, 200, 190), (60, 84, 120))


def _truck_mesh(cab: Colour, box: Colour, stripe: Colour) -> Mesh:
    mesh = Mesh()
    mesh.box((-3.4, 3.3), 0.8, (0.45, 0.75), DARK)
    mesh.wheels((-1.9, 2.35), 0.44, 1.02)
    mesh.ends(-3.4, 0.8, (0.5, 0.72), 0.2, TAIL)
    front = [(1.7, 0.5), (3.35, 0.5), (3.4, 1.25), (3.1, 2.2), (1.7, 2.3)]
    mesh.prism(front, [1.0, 1.0, 1.0, 0.94, 0.94], cab, {2: GLASS}, layer=1)
    mesh.sides([(2.1, 1.3), (3.15, 1.3), (2.95, 2.05), (2.1, 2.05)], _straight(1.0), GLASS, WINDOW)
    mesh.ends(3.38, 0.9, (0.7, 0.92), 0.3, HEAD)
    mesh.box((-3.5, 1.6), 1.12, (0.8, 2.85), box, layer=1)
    mesh.sides([(-3.4, 1.25), (1.5, 1.25), (1.5, 1.6), (-3.4, 1.6)], _straight(1.12), stripe)
    return mesh


def _truck() -> Mesh:
    return _truck_mesh(PAINT, (206, 204, 198), (150, 152, 156))


def _melody_truck() -> Mesh:
    mesh = _truck_mesh((248, 240, 214), (246, 236, 206), (64, 178, 176))
    mesh.sides(
        [(-2.6, 1.75), (0.2, 1.75), (0.2, 2.5), (-2.6, 2.5)], _straight(1.12), (58, 66, 78), WINDOW
    )
    mesh.sides([(0.5, 1.8), (1.3, 1.8), (0.9, 2.6)], _straight(1.12), (236, 120, 150))
    return mesh


def _forklift() -> Mesh:
    mesh = Mesh()
    yellow: Colour = (236, 160, 24)
    mesh.prism(
        [
            (-1.35, 0.25),
            (0.7, 0.25),
            (0.7, 0.7),
            (0.2, 0.75),
            (-0.3, 1.05),
            (-1.2, 1.05),
            (-1.35, 0.8),
        ],
        [0.58] * 7,
        yellow,
    )
    mesh.sides([(-1.3, 0.25), (-0.8, 0.25), (-0.8, 0.85), (-1.3, 0.75)], _straight(0.58), DARK)
    mesh.wheels((-0.95, 0.45), 0.3, 0.6)
    mesh.ends(-1.35, 0.5, (0.72, 0.84), 0.14, TAIL)
    mesh.box((-0.75, -0.15), 0.26, (1.05, 1.55), (48, 64, 96), layer=1)
    mesh.box((-0.6, -0.3), 0.13, (1.55, 1.82), (206, 160, 130), layer=2)
    for x in (-1.0, 0.28):
        for y in (-0.5, 0.5):
            post = [(x, y - 0.05), (x + 0.1, y - 0.05), (x + 0.1, y + 0.05), (x, y + 0.05)]
            _post(mesh, post, (0.9, 2.1), DARK)
    mesh.box((-1.1, 0.45), 0.58, (2.08, 2.16), DARK, layer=3)
    for y in (-0.34, 0.34):
        post = [(0.78, y - 0.06), (0.9, y - 0.06), (0.9, y + 0.06), (0.78, y + 0.06)]
        _post(mesh, post, (0.1, 2.4), (60, 60, 62))
    mesh.box((0.95, 1.95), 0.5, (0.3, 0.45), (150, 112, 70), layer=1)
    mesh.box((1.0, 1.9), 0.46, (0.46, 1.15), (176, 136, 88), layer=2)
    return mesh


def _post(mesh: Mesh, foot: Sequence[Point2], z: Point2, colour: Colour) -> None:
    x, y = (sum(p[k] for p in foot) / len(foot) for k in (0, 1))
    mesh.part = Part(2, x)
    for i in range(4):
        (ax, ay), (bx, by) = foot[i], foot[(i + 1) % 4]
        quad = [(ax, ay, z[0]), (bx, by, z[0]), (bx, by, z[1]), (ax, ay, z[1])]
        mesh.face(quad, colour, (x, y, z[0]))


_MESHES: dict[str, Callable[[], Mesh]] = {
    "sedan": _sedan,
    "hatchback": _hatchback,
    "suv": _suv,
    "van": _van,
    "truck": _truck,
    "city_bus": _city_bus,
    "ambulance": _ambulance,
    "police": _police,
    "pink_bus": _pink_bus,
    "melody_truck": _melody_truck,
    "sports_car": _sports_car,
    "forklift": _forklift,
}

ORDINARY = {
    "sedan": 0.32,
    "hatchback": 0.27,
    "suv": 0.2,
    "van": 0.12,
    "truck": 0.06,
    "city_bus": 0.03,
}


@lru_cache
def body(name: str) -> Body:
    """The shape of a vehicle by its name."""
    return finish(name, _MESHES[name]())


BODIES: dict[str, Body] = {name: body(name) for name in _MESHES}
