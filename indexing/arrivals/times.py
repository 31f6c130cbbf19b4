"""When a recording began, as its file tells: by its metadata, or else by its name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from django.utils import timezone

# A day and a time as cameras write them into names: 20260314_081500, 2026-03-14T08-15-00Z,
# NVR_ch2_main_20260314081500_20260314083000, PXL_20260314_081500123. The first one is the start.
# An offset is believed only behind a T: elsewhere "-0830" may as well be when the recording ends.
IN_NAME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>[-_.]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?P<between>[ _-]{0,3}|T)"
    r"(?P<hour>\d\d)(?P<colon>[-_.:h]?)(?P<minute>\d\d)"
    r"(?:[-_.:m]?(?P<second>\d\d)(?:\.?\d{3})?)?(?!\d)"
    r"(?P<offset>Z|[+-]\d\d:?\d\d(?!\d))?"
)
SHORTEST_TAG = len("2026-03-14T08:15")
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)  # before this a clock was never set


class Source(StrEnum):
    """What told a start."""

    FILE = "file"
    NAME = "name"


@dataclass(frozen=True)
class Told:
    """A start, and what told it; without an offset it is on the camera's own clock."""

    by: Source
    moment: datetime

    def on(self, zone: ZoneInfo) -> datetime:
        """Return the moment, read on the clock of a zone where it has no offset of its own."""
        return self.moment if self.moment.tzinfo else self.moment.replace(tzinfo=zone)

    def to_json(self) -> dict[str, str]:
        """Return plain values for a JSON column."""
        return {"by": self.by.value, "moment": self.moment.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, str]) -> Self:
        """Read back what `to_json` gave."""
        return cls(Source(data["by"]), datetime.fromisoformat(data["moment"]))


def told(created: str, name: str) -> list[Told]:
    """Return the starts that a file tells, the likelier one first.

    Args:
        created: what its metadata say (indexing.media.header.created).
        name: its name.
    """
    found = [(Source.FILE, _in_metadata(created)), (Source.NAME, _in_name(name))]
    return [Told(by, moment) for by, moment in found if moment]


def _in_metadata(created: str) -> datetime | None:
    """Read a creation tag; one without an offset is in UTC, as MP4 has it."""
    if len(created) < SHORTEST_TAG:  # a year or a day alone
        return None
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if _plausible(moment) else None


def _in_name(name: str) -> datetime | None:
    """Return the first day and time in a name that can be one."""
    return next(_moments(name), None)


def _moments(name: str) -> Iterator[datetime]:
    for match in IN_NAME.finditer(name):
        parts = [match[part] for part in ("year", "month", "day", "hour", "minute")]
        offset = (match["offset"] or "") if match["between"] == "T" else ""
        try:
            year, month, day, hour, minute = map(int, parts)
            moment = datetime(  # noqa: DTZ001  (on the camera's clock, which is not known yet)
                year, month, day, hour, minute, int(match["second"] or 0)
            )
            if offset:
                moment = datetime.fromisoformat(f"{moment.isoformat()}{offset}")
        except ValueError:
            continue
        if _plausible(moment if moment.tzinfo else moment.replace(tzinfo=UTC)):
            yield moment


def _plausible(moment: datetime) -> bool:
    """Tell whether a clock that was set can have said this."""
    return EARLIEST < moment < timezone.now() + timedelta(days=1)
