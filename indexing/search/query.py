"""What a search asks: clips to be like or unlike, how they are compared, and among which others."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from indexing.clock import read_second
from indexing.models import Camera
from ml.refusal import Refusal

MOST_HITS = 500
LONGEST_EXCLUSION_S = 24 * 3600
# More would not fit into a link that every server and mail program carries.
MOST_MARKS = 100


class SearchError(Refusal):
    """A search that cannot be answered, with a sentence that says why and what to do."""


class With(StrEnum):
    """What of the query is compared with what of the others."""

    JOINT = "joint"
    VIDEO = "video"
    AUDIO = "audio"
    VIDEO_TO_AUDIO = "video-to-audio"
    AUDIO_TO_VIDEO = "audio-to-video"

    @property
    def crossing(self) -> bool:
        """Whether pictures are compared with sounds, which takes a trained encoder."""
        return self in {With.VIDEO_TO_AUDIO, With.AUDIO_TO_VIDEO}


@dataclass(frozen=True, order=True)
class Clip:
    """One second of one recording, written RECORDING:SECOND in links and commands."""

    recording_id: int
    second: int

    def __str__(self) -> str:
        return f"{self.recording_id}:{self.second}"

    @classmethod
    def read(cls, text: str) -> "Clip":
        """Read RECORDING:SECOND, the second also as H:MM:SS; raise ValueError with a sentence."""
        number, colon, second = text.strip().partition(":")
        if not (colon and number.isdecimal() and number.isascii() and len(number) < 19):
            raise ValueError(
                f"{text!r} is not a moment; write RECORDING:SECOND, such as 3:75 or 3:0:01:15."
            )
        return cls(int(number), read_second(second))


@dataclass(frozen=True)
class SearchQuery:
    """A search that can be repeated: which clips, compared how, among which others.

    Without ``cameras`` the query's own camera is searched (`searched`). ``since`` is included,
    ``until`` is not. ``also`` are further clips of the query: the distance to all of them is their
    mean. ``this`` and ``not_this`` are hits that somebody judged; with any of them the ranking is
    by how likely a clip is meant (`ml.feedback`).
    """

    recording_id: int
    second: int
    modality: With = With.JOINT
    audio_weight: float = 0.5
    k: int = 20
    exclusion_s: int = 60
    cameras: tuple[str, ...] = ()
    recordings: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    encoder_id: int | None = None
    also: tuple[Clip, ...] = ()
    this: tuple[Clip, ...] = ()
    not_this: tuple[Clip, ...] = ()

    @property
    def clip(self) -> Clip:
        """The first clip of the query."""
        return Clip(self.recording_id, self.second)

    @property
    def asked(self) -> tuple[Clip, ...]:
        """All clips of the query."""
        return (self.clip, *self.also)

    @property
    def refined(self) -> bool:
        """Whether hits were judged, so that the ranking learns from it."""
        return bool(self.this or self.not_this)


def searched(query: SearchQuery, own: Camera) -> tuple[str, ...]:
    """Return the cameras that are searched; ``own`` is that of the query.

    Without any named, all that can be searched where the query is a sample, else its own.
    """
    if query.cameras:
        return query.cameras
    if not own.samples:
        return (own.name,)
    if query.encoder_id is not None:
        ready = Camera.objects.filter(encoders=query.encoder_id)
    else:
        ready = Camera.objects.exclude(encoder=None)
    return tuple(ready.order_by("name").values_list("name", flat=True))


def check(query: SearchQuery) -> None:
    """Refuse numbers that make no sense, and cameras that do not exist.

    Raises:
        SearchError: with the first complaint.
    """
    if not 1 <= query.k <= MOST_HITS:
        raise SearchError(f"Ask for 1 to {MOST_HITS} hits, not {query.k}.")
    if not 0 <= query.exclusion_s <= LONGEST_EXCLUSION_S:
        raise SearchError(
            f"The exclusion window is 0 to {LONGEST_EXCLUSION_S} seconds, not {query.exclusion_s}."
        )
    if not 0.0 <= query.audio_weight <= 1.0:
        raise SearchError(f"The weight of sound is 0 to 1, not {query.audio_weight}.")
    if query.since and query.until and query.since >= query.until:
        raise SearchError("The time range ends before it starts.")
    named = Camera.objects.filter(name__in=query.cameras, samples=False)
    known = set(named.values_list("name", flat=True))
    for name in query.cameras:
        if name not in known:
            raise SearchError(f"There is no camera named {name}.")
    _check_clips(query)


def _check_clips(query: SearchQuery) -> None:
    """Refuse more clips than a search can carry, and clips that are said to be both."""
    count = len(query.also) + len(query.this) + len(query.not_this)
    if count > MOST_MARKS:
        raise SearchError(
            f"A search takes up to {MOST_MARKS} marked and added moments, not {count}; take some "
            "out, or make an event of them and locate it."
        )
    both = {*query.asked, *query.this} & {*query.not_this}
    if both:
        raise SearchError(
            f"Second {min(both).second} of recording {min(both).recording_id} is marked as both "
            "wanted and unwanted; take one of the two out."
        )
