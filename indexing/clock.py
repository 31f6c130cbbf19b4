"""Seconds and moments as people write them, in pages and on the command line."""

from datetime import datetime

EARLIEST, LATEST = 1970, 2199


def read_second(text: str) -> int:
    """Read a second of a recording, written as whole seconds or as H:MM:SS.

    Raises:
        ValueError: with a sentence.
    """
    parts = text.strip().split(":")
    digits = all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)
    if not digits or len(parts) > 3 or any(int(part) > 59 for part in parts[1:]):
        raise ValueError(f"{text!r} is not a second; write 75 or 0:01:15.")
    value = 0
    for part in parts:
        value = 60 * value + int(part)
    return value


def read_moment(text: str) -> datetime:
    """Read a moment in ISO 8601; without an offset it has no zone yet.

    Raises:
        ValueError: with a sentence.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a moment; write one like 2026-05-04T08:30:00.") from None
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError(f"{text!r} is not between the years {EARLIEST} and {LATEST}.")
    return moment
