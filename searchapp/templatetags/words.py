"""Numbers and times in the words that the pages use."""

import math
from datetime import datetime

from django import template

from indexing.models import Recording

register = template.Library()

_PERIODS = ((1, "s"), (60, "min"), (3600, "h"))
_SIZES = ("bytes", "kB", "MB", "GB", "TB")


@register.filter
def duration(seconds: float | None) -> str:
    """Return a length as people say it: 45 s, 3 min 20 s, 1 h 02 min."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    if minutes:
        return f"{minutes} min {secs:02d} s" if secs else f"{minutes} min"
    return f"{secs} s"


@register.filter
def offset(second: int) -> str:
    """Return a second of a recording as H:MM:SS, the form the command line takes too."""
    hours, rest = divmod(int(second), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


@register.filter
def clock(moment: datetime) -> str:
    """Return the time of day of a moment that is already in its camera's zone."""
    return moment.strftime("%H:%M:%S")


@register.filter
def day(moment: datetime) -> str:
    """Return the date of a moment that is already in its camera's zone: Tue 24 Nov 2026."""
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


@register.filter
def size(amount: int) -> str:
    """Return a number of bytes with a decimal unit: 1.4 GB."""
    value = float(amount)
    for unit in _SIZES:
        if value < 1000 or unit == _SIZES[-1]:
            return (
                f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
            )
        value /= 1000
    raise AssertionError


@register.filter
def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 clip, 1,204 clips; "camera,cameras" names both forms."""
    one, _, many = noun.partition(",")
    return f"{number:,} {one if number == 1 else many or one + 's'}"


@register.filter
def percentile(value: float) -> str:
    """Return a percentile with as many decimals as tell it from 100."""
    if value >= 100:
        return "100"
    for decimals in (1, 2, 3):
        shown = f"{value:.{decimals}f}"
        if float(shown) < 100:
            return shown
    return "99.999"


@register.filter
def chance(value: float) -> str:
    """Return a chance (0 to 1) in percent, never quite certain: 87 %."""
    return f"{min(99, max(1, round(100 * value)))} %"


@register.filter
def closeness(value: float) -> str:
    """Say how a hit compares with everything that was searched."""
    if value >= 100:
        return "closer than every other clip"
    return f"closer than {percentile(value)} % of all clips"


@register.filter
def nines(value: float) -> float:
    """Map a percentile to 0-4 for the bar: 90 % fills one part of four, 99.99 % all of them.

    Hits live in the last percent, where a linear bar would look full for every one of them.
    """
    farther = max(1e-6, 1.0 - value / 100.0)
    return round(min(4.0, -math.log10(farther)), 3)


@register.filter
def distance(value: float | None) -> str:
    """Return a distance to three decimals; a dash where a modality was not compared."""
    return "–" if value is None else f"{value:.3f}"


@register.filter
def percent(part: float, whole: float) -> int:
    """Return a part of a whole in whole percent, 100 only once it is complete."""
    if whole <= 0:
        return 0
    return min(100, int(100 * part / whole))


@register.filter
def rate(value: float, unit: str) -> str:
    """Return a rate a second, or a minute or an hour where it is slow: 14.2 clips/s, 3.1 MB/s."""
    if unit == "bytes":
        return f"{size(int(value))}/s"
    seconds, per = next((each for each in _PERIODS if value * each[0] >= 1), _PERIODS[-1])
    value *= seconds
    shown = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    return f"{shown} {unit}/{per}"


@register.filter
def start(recording: Recording) -> datetime:
    """Return the first moment of a recording in its camera's zone."""
    return recording.at(0)


@register.filter
def at(recording: Recording, second: int) -> datetime:
    """Return the moment of a second of a recording in its camera's zone."""
    return recording.at(second)
