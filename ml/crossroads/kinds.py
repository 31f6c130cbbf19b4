"""The recurring kinds of event: how often, how fast, where and how loud."""

from dataclasses import dataclass

_STRAIGHT = ("W-E", "E-W", "N-S", "S-N")
_MAIN = ("W-E", "E-W", "W-N", "N-W", "S-E", "E-S")


@dataclass(frozen=True)
class Kind:
    """A kind of event.

    `per_hour` occurrences are drawn; `speed` is in m/s; `level` is the RMS of its sound at 30 m as
    a part of full scale (0 for a silent one); `seconds` is the length of a sound that has no
    vehicle; one with `priority` gets green.
    """

    name: str
    per_hour: float
    body: str = ""
    trajectories: tuple[str, ...] = ()
    speed: float = 0.0
    level: float = 0.0
    seconds: tuple[float, float] = (0.0, 0.0)
    priority: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("ambulance", 8, "ambulance", (*_STRAIGHT, "W-N", "S-E"), 12.5, 0.16, priority=True),
        Kind("police", 7, "police", (*_STRAIGHT, "E-S", "N-W"), 13.0, 0.14, priority=True),
        Kind("pink_bus", 8, "pink_bus", _MAIN, 8.0),
        Kind("melody_truck", 7, "melody_truck", _MAIN, 5.5, 0.07),
        Kind("train", 7, level=0.075, seconds=(16.0, 32.0)),
        Kind("sports_car", 5, "sports_car", _STRAIGHT, 17.0, 0.15, priority=True),
        Kind("forklift", 5, "forklift", ("north-E", "north-W", "west-N", "west-S"), 2.6),
        Kind("horn", 9, level=0.13, seconds=(0.5, 2.2)),
        Kind("glass", 5, level=0.10, seconds=(0.9, 2.0)),
    )
}
