"""What people see of unusual moments. Every read starts from the account's role."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlencode

import numpy as np
from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from django.urls import reverse

from indexing.anomalies import reviews
from indexing.anomalies.camera_scores import Bins, CameraScores, Found, binned, camera_scores
from indexing.anomalies.drift import Drift, drift
from indexing.anomalies.likeness import Likeness, Moment
from indexing.anomalies.normal import Score
from indexing.anomalies.recording_scores import AnomalyError, Peak
from indexing.events import labels
from indexing.footage.levels import loudness
from indexing.models import Camera, Recording, Review
from ml.anomaly import SIGMA
from searchapp import selectors
from searchapp.numbers import whole
from searchapp.selectors import Viewer, cameras_for, recordings_for

MOST_LISTED = 60
NORMAL_SHOWN = 3
LONGEST_LOOP_S = 40
SHOWN = {"open": "To judge", "reviewed": "Judged", "hidden": "Hidden"}
SAID = {
    Review.Verdict.CONFIRMED: "confirmed it",
    Review.Verdict.DISMISSED: "dismissed it as normal",
    Review.Verdict.UNSURE: "were unsure",
}


def camera_for(user: Viewer, name: str) -> Camera:
    """Return a camera by its number or name; Http404 where it is unknown or not for the account."""
    seen = cameras_for(user).select_related("encoder")
    return seen.filter(pk=whole(name)).first() or get_object_or_404(seen, name=name)


@dataclass(frozen=True)
class Choice:
    """What the link of the page chose: score, sigma, order, and which peaks are listed."""

    score: Score
    sigma: float
    order: str
    show: str

    def query(self, **more: object) -> str:
        """Return the link's own query, and more with it."""
        own = {
            "sigma": f"{self.sigma:g}",
            "score": str(self.score),
            "order": self.order,
            "show": self.show,
        }
        defaults = {"sigma": "3", "score": "combined", "order": "strongest", "show": "open"}
        kept = {key: value for key, value in own.items() if value != defaults[key]}
        return urlencode({**kept, **more})


@dataclass(frozen=True)
class Wanted:
    """Which peak is to be looked at.

    The one of this key, (recording, oddest second), or the one a step from it; or else the one
    near a moment: (seconds since 1970, within so many).
    """

    key: tuple[int, int] | None = None
    step: str = ""
    near: tuple[int, int] | None = None


@dataclass(frozen=True)
class Item:
    """A peak of the queue, what the account made of it, and the dismissed moment it is like."""

    found: Found
    review: Review | None
    hidden_by: Review | None
    share: float  # of the highest peak's excess over the threshold, 0 to 1
    link: str  # to the page with this peak

    @property
    def peak(self) -> Peak:
        """The peak itself."""
        return self.found.peak

    @property
    def recording(self) -> Recording:
        """Where it lies."""
        return self.found.recording

    @property
    def key(self) -> tuple[int, int]:
        """Recording and oddest second."""
        return self.recording.pk, self.peak.peak

    @property
    def because(self) -> str:
        """What is odd, in a word or two."""
        words = {"video": "picture", "audio": "sound", "cross": "sound against picture"}
        return " and ".join(words[part] for part in self.peak.because)

    @property
    def loop(self) -> tuple[int, int]:
        """From and to which second it is played: all of it, or of a long one what is around."""
        half = LONGEST_LOOP_S // 2
        around = self.peak.peak - half, self.peak.peak + half
        return max(self.peak.start, around[0]), min(self.peak.end, around[1])

    @property
    def said(self) -> str:
        """What the account made of it."""
        return SAID[Review.Verdict(self.review.verdict)] if self.review else ""

    @property
    def shelf(self) -> str:
        """Under which of SHOWN it is listed."""
        if self.review:
            return "reviewed"
        return "hidden" if self.hidden_by else "open"


@dataclass(frozen=True)
class Why:
    """What flagged a peak: shares in percent, deviations above the mean, and normal seconds."""

    sound: int | None
    deviations: float
    normal: tuple[tuple[Recording, int], ...]

    @property
    def picture(self) -> int | None:
        """The picture's share in percent."""
        return None if self.sound is None else 100 - self.sound


class Desk:
    """A camera's peaks as one account sees them, and the one that is looked at."""

    def __init__(
        self,
        user: Viewer,
        scores: CameraScores,
        choice: Choice,
        wanted: Wanted | None = None,
    ) -> None:
        self.camera, self.scores, self.choice = scores.known.encoder.camera, scores, choice
        self.threshold = scores.threshold(choice.sigma)
        self.reviews = list(reviews.reviews_of(cast(User, user), self.camera))
        self._user = user
        self.items = self._ordered(scores.peaks(choice.sigma))
        self.current = self._current(wanted or Wanted())

    def _ordered(self, peaks: Sequence[Found]) -> list[Item]:
        hidden = reviews.hidden_by(self.scores, peaks, self.reviews)
        most = max((one.peak.score for one in peaks), default=0.0) - self.threshold.value
        items = [
            Item(
                one,
                reviews.review_at(self.reviews, one),
                by,
                (one.peak.score - self.threshold.value) / max(most, 1e-9),
                self._link(recording=one.recording.pk, second=one.peak.peak),
            )
            for one, by in zip(peaks, hidden, strict=True)
        ]
        if self.choice.order == "strongest":
            items.sort(key=lambda item: -item.peak.score)
        return items

    def _current(self, wanted: Wanted) -> Item | None:
        """Return the peak asked for, or the next or previous one of the list from there on."""
        place = next((i for i, item in enumerate(self.items) if item.key == wanted.key), None)
        if wanted.near:
            return self._near(*wanted.near)
        if place is None:
            return next(iter(self.listed), None)
        if not wanted.step:
            return self.items[place]
        return self._beside(place, 1 if wanted.step == "next" else -1)

    def _near(self, at: int, reach: int) -> Item | None:
        """Return the peak nearest to a moment, or the list's first where none is within reach."""
        apart = {item.key: abs(item.peak.at.timestamp() - at) for item in self.items}
        nearest = min(self.items, key=lambda item: apart[item.key], default=None)
        if nearest and apart[nearest.key] <= reach + nearest.peak.end - nearest.peak.start:
            return nearest
        return next(iter(self.listed), None)

    def _beside(self, place: int, way: int) -> Item | None:
        """Return the nearest listed peak before or behind a place; from the end, the first one."""
        rest = self.items[place + 1 :] if way > 0 else self.items[:place][::-1]
        listed = [item for item in rest if item.shelf == self.choice.show]
        return next(iter(listed or self.listed), None)

    @cached_property
    def listed(self) -> list[Item]:
        """The peaks of the shelf that is chosen."""
        return [item for item in self.items if item.shelf == self.choice.show]

    @property
    def shown(self) -> list[Item]:
        """As many of them as the page lists: around the current one."""
        keys = [item.key for item in self.listed]
        here = keys.index(self.current.key) if self.current and self.current.key in keys else 0
        start = max(0, min(here - MOST_LISTED // 2, len(keys) - MOST_LISTED))
        return self.listed[start : start + MOST_LISTED]

    @property
    def shelves(self) -> list[tuple[str, str, int, str]]:
        """Each list: its name, what it is called, how many peaks it has, and its address."""
        return [
            (shelf, says, self.count(shelf), self._link(choice=replace(self.choice, show=shelf)))
            for shelf, says in SHOWN.items()
        ]

    def count(self, shelf: str) -> int:
        """Return how many peaks a list has."""
        return sum(item.shelf == shelf for item in self.items)

    @property
    def hidden(self) -> int:
        """How many peaks are hidden, being like dismissed ones."""
        return self.count("hidden")

    @property
    def last(self) -> Review | None:
        """What the account judged last, to be taken back."""
        return self.reviews[0] if self.reviews else None

    @property
    def marks(self) -> str:
        """What the account judged, as JSON for the timeline: [start, end, verdict]."""
        found: list[list[object]] = []
        for review in self.reviews:
            zero = round(review.recording.start.timestamp())
            found.append([zero + review.start_s, zero + review.end_s, review.verdict])
        return json.dumps(found)

    @property
    def like_current(self) -> int:
        """How many peaks the current one's dismissal hides."""
        review = self.current.review if self.current else None
        return sum(item.hidden_by == review for item in self.items) if review else 0

    @cached_property
    def why(self) -> Why | None:
        """Why the current peak was flagged."""
        if self.current is None:
            return None
        item = self.current
        nats = self.scores.surprise(*item.key)
        total = sum(nats.values())
        both = len(nats) == 2 and total > 0
        parts = tuple(part for part in item.peak.because if part != "cross")
        nearest = Likeness(self.scores).nearest_ordinary(
            Moment(*item.key, parts or tuple(nats)), NORMAL_SHOWN
        )
        seen = recordings_for(self._user).in_bulk([number for number, _ in nearest])
        return Why(
            sound=round(100 * nats["audio"] / total) if both else None,
            deviations=(item.peak.score - self.threshold.mean) / max(self.threshold.std, 1e-9),
            normal=tuple((seen[n], second) for n, second in nearest if n in seen),
        )

    def _link(self, choice: Choice | None = None, **more: object) -> str:
        return f"{page_of(self.camera)}?{(choice or self.choice).query(**more)}"


def review_for(user: Viewer, pk: int) -> Review:
    """Return one of the account's own reviews; Http404 where it has no such one."""
    seen = Review.objects.filter(user=cast(User, user), recording__in=recordings_for(user))
    return get_object_or_404(seen, pk=pk)


def peak_at(camera: Camera, choice: Choice, recording: int, second: int) -> Found:
    """Return the peak whose oddest second this is; raise ReviewError where there is none."""
    peaks = camera_scores(camera, choice.score).peaks(choice.sigma)
    for found in peaks:
        if (found.recording.pk, found.peak.peak) == (recording, second):
            return found
    raise reviews.ReviewError("This moment is no peak any more; the list shows those there are.")


def event_names(camera: Camera) -> list[str]:
    """Return what events of this camera are called, the one labelled last first."""
    names = labels.standing(camera=camera).order_by("-pk").values_list("event", flat=True)
    return list(dict.fromkeys(names[:1000]))


def page_of(camera: Camera) -> str:
    """Return the address of a camera's anomalies."""
    return reverse("anomalies", args=[camera.pk])


@dataclass(frozen=True)
class Line:
    """One camera on the overview: its timeline and what waits, or why there is none."""

    camera: Camera
    timeline: str
    waiting: int
    problem: str


def line(user: Viewer, camera: Camera) -> Line:
    """Return a camera's timeline and how many moments wait."""
    try:
        scores = camera_scores(camera)
    except AnomalyError as error:
        return Line(camera, "", 0, error.sentence)
    desk = Desk(user, scores, Choice(Score.COMBINED, SIGMA, "strongest", "open"))
    return Line(camera, timeline(user, scores), desk.count("open"), "")


def timeline(user: Viewer, scores: CameraScores) -> str:
    """Return as JSON what a timeline needs beside its curve: clock, recordings, gaps, counts."""
    camera = scores.known.encoder.camera
    threshold = scores.threshold()
    known = scores.values[np.isfinite(scores.values)]
    about = {
        "zone": camera.zone,
        "page": page_of(camera),
        "curve": reverse("anomaly-curve", args=[camera.pk]),
        "score": str(scores.score),
        "search": reverse("search"),
        "mean": threshold.mean,
        "std": threshold.std,
        "most": float(known.max()) if len(known) else threshold.value,
        "counts": scores.counts(),
        "recordings": [_span(recording) for recording in _recordings(user, camera)],
    }
    return json.dumps(about)


def _recordings(user: Viewer, camera: Camera) -> Iterable[Recording]:
    seen = recordings_for(user).filter(camera=camera, duration_s__gt=0)
    return seen.exclude(state=Recording.State.REFUSED).order_by("start", "pk")


def _span(recording: Recording) -> dict[str, Any]:
    zero = round(recording.start.timestamp())
    return {
        "id": recording.pk,
        "page": reverse("recording", args=[recording.pk]),
        "start": zero,
        "end": zero + recording.duration_s,
        "picture": reverse("thumbnail", args=[recording.pk, 0]) if recording.has_video else "",
        "gaps": [[zero + gap.start, zero + gap.end] for gap in selectors.gaps(recording)],
    }


def levels(user: Viewer, camera: Camera, *, since: int, until: int, bins: int) -> Bins:
    """Return how loud a camera was, in dB below full scale, at the resolution asked for."""
    at, values = [np.zeros(0, np.int64)], [np.zeros(0)]
    for recording in _recordings(user, camera):
        zero = round(recording.start.timestamp())
        if zero < until and zero + recording.duration_s > since:
            at.append(zero + np.arange(recording.duration_s))
            values.append(loudness(recording))
    return binned(np.concatenate(at), np.concatenate(values), since=since, until=until, bins=bins)


def drift_of(scores: CameraScores) -> Drift | None:
    """Return how a camera's newest seconds differ from what was trained on, where that is much."""
    found = drift(scores)
    return found if found and found.sentences else None
