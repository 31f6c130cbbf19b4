"""The values that go in and come out: numbers a database can hold, moments, clips, pages."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar, overload

from django.db.models import Model, QuerySet, TextChoices
from django.http import HttpRequest
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from indexing.clock import read_moment
from indexing.search.query import Clip

MOST_ITEMS = 200
MOST_NUMBER = 2**63 - 1
MOST_SECOND = 2**31 - 1

Row = TypeVar("Row")
Stored = TypeVar("Stored", bound=Model)
Out = TypeVar("Out", bound=BaseModel)


def _printable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a zero byte cannot be kept")
    return text


def _moment(given: object) -> datetime:
    if isinstance(given, datetime):
        return given
    if not isinstance(given, str):
        raise ValueError("a moment is written like 2026-05-04T08:30:00+02:00")  # noqa: TRY004
    return read_moment(given)


def _clip(text: str) -> str:
    return str(Clip.read(text))


def choices(kind: type[TextChoices]) -> WithJsonSchema:
    """Describe choices where they are used: several kinds of row have a State of their own."""
    return WithJsonSchema({"type": "string", "enum": kind.values, "title": kind.__qualname__})


Number = Annotated[int, Field(ge=1, le=MOST_NUMBER)]
Second = Annotated[int, Field(ge=0, le=MOST_SECOND)]
Text = Annotated[str, Field(max_length=10_000), AfterValidator(_printable)]
# ISO 8601; without an offset it is on the camera's clock.
Moment = Annotated[datetime, BeforeValidator(_moment)]
# A second of a recording, written RECORDING:SECOND.
ClipText = Annotated[str, Field(max_length=40, examples=["3:75"]), AfterValidator(_clip)]


class Body(BaseModel):
    """What is sent; a field that does not exist is refused, since it is a slip of the pen."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Window(BaseModel):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS)] = 50
    offset: Annotated[int, Field(ge=0, le=MOST_SECOND)] = 0


class Page(BaseModel, Generic[Out]):
    """A part of a list, how long all of it is, and the address of the next part."""

    items: list[Out]
    count: int
    next: str | None

    @overload
    @classmethod
    def of(
        cls,
        request: HttpRequest,
        rows: QuerySet[Stored],
        window: Window,
        make: Callable[[Stored], Out],
    ) -> "Page[Out]": ...

    @overload
    @classmethod
    def of(
        cls, request: HttpRequest, rows: Sequence[Row], window: Window, make: Callable[[Row], Out]
    ) -> "Page[Out]": ...

    @classmethod
    def of(
        cls, request: HttpRequest, rows: Any, window: Window, make: Callable[[Any], Out]
    ) -> "Page[Out]":
        """Return a part of rows, which are in an order that does not change by itself."""
        count = rows.count() if isinstance(rows, QuerySet) else len(rows)
        end = window.offset + window.limit
        items = [make(row) for row in rows[window.offset : end]]
        return cls(items=items, count=count, next=_next(request, end) if end < count else None)


def _next(request: HttpRequest, offset: int) -> str:
    query = request.GET.copy()
    query["offset"] = str(offset)
    return f"{request.path}?{query.urlencode()}"
