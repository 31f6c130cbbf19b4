"""What a search has marked and added, and the links that change it: all of it is in the link."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from indexing.models import Recording
from indexing.search.query import Clip, SearchQuery

# What a link can hold of a moment: part of the query, what is meant, what is not.
KINDS = ("also", "this", "not")


@dataclass(frozen=True)
class Marked:
    """A moment of the link, and the link without it."""

    kind: str
    recording: Recording
    second: int
    without: str

    @property
    def name(self) -> str:
        """Where it is, as links write it."""
        return str(Clip(self.recording.pk, self.second))


@dataclass(frozen=True)
class Marks:
    """The moments beside the query, by what they were marked, and the link without the judged."""

    also: tuple[Marked, ...]
    this: tuple[Marked, ...]
    unwanted: tuple[Marked, ...]
    unjudged: str

    @property
    def judged(self) -> tuple[Marked, ...]:
        """All hits that were judged."""
        return (*self.this, *self.unwanted)

    def __iter__(self) -> Iterator[Marked]:
        return iter((*self.also, *self.judged))


def marks(data: QueryDict, query: SearchQuery, seen: Mapping[int, Recording]) -> Marks:
    """Return what the link marks; recordings are looked up among those that may be seen."""
    also, this, unwanted = (
        tuple(
            Marked(kind, seen[clip.recording_id], clip.second, without(data, clip))
            for clip in clips
            if clip.recording_id in seen
        )
        for kind, clips in zip(KINDS, (query.also, query.this, query.not_this), strict=True)
    )
    return Marks(also, this, unwanted, written(kept(data, but=("this", "not"))))


def adding(data: QueryDict, kind: str, clip: Clip) -> str:
    """Return the link with a moment marked, and not marked otherwise any more."""
    return written([*_without(data, clip), (kind, str(clip))])


def without(data: QueryDict, clip: Clip) -> str:
    """Return the link without a moment."""
    return written(_without(data, clip))


def added_to(search: str, recording: int) -> str:
    """Return the link of a search with a moment of a recording more, all but its second.

    Empty where what came from is no search.
    """
    data = QueryDict(search)
    if not (data.get("recording") and data.get("second")):
        return ""
    link = written(kept(data, but=("view", "near")))
    return f"{reverse('search')}{link}&also={recording}:"


def _without(data: QueryDict, clip: Clip) -> list[tuple[str, str]]:
    return [(key, value) for key, value in kept(data) if key not in KINDS or not _is(value, clip)]


def _is(text: str, clip: Clip) -> bool:
    try:
        return Clip.read(text) == clip
    except ValueError:
        return False


def kept(data: QueryDict, *, but: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return what the link chose, without the blanks and without some of it."""
    pairs = ((key, value) for key, values in data.lists() for value in values)
    return [(key, value) for key, value in pairs if value and key not in but]


def written(pairs: Sequence[tuple[str, object]]) -> str:
    """Return parameters as a link, moments readable."""
    return "?" + urlencode(pairs, safe=":")
