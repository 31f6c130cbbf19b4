"""What a page is asked for, checked and turned into values."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from indexing.clock import read_moment, read_second
from indexing.learning.training import MOST_SEED
from indexing.models import Camera, check_zone
from indexing.search.query import Clip, SearchQuery, With
from ml.method import METHODS, RANGES, Method
from searchapp.recurrence import LEAST_NEAR, MOST_NEAR
from searchapp.selectors import Viewer, cameras_for, recordings_for

MAX_HITS = 100
DAY_S = 86_400


def first_error(form: forms.Form) -> str:
    """Return the first complaint of a form as one sentence."""
    return next(str(message) for messages in form.errors.values() for message in messages)


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Return the moment that a text names; without an offset it is on the camera's clock."""
    try:
        read = read_moment(text)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from None
    if timezone.is_aware(read):
        return read
    made = read.replace(tzinfo=zone)
    if made.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != read:
        raise forms.ValidationError(f"No clock in {zone} showed {read:%H:%M} on that day.")
    return made


def seconds(text: str) -> int:
    """Return the second that a text names, as a whole number or as H:MM:SS."""
    try:
        return read_second(text)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from None


class SecondField(forms.CharField):
    """A second of a recording, as a whole number or as H:MM:SS."""

    def clean(self, value: Any) -> int:
        """Return the second."""
        return seconds(super().clean(value))


class ClipsField(forms.Field):
    """Moments of recordings that this account may see, each as RECORDING:SECOND."""

    widget = forms.MultipleHiddenInput

    def __init__(self, within: Collection[int]) -> None:
        super().__init__(required=False)
        self.within = within

    def clean(self, value: Any) -> tuple[Clip, ...]:
        """Return the moments, each once, in the order of the link."""
        try:
            clips = tuple(dict.fromkeys(Clip.read(text) for text in value or [] if text))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        for clip in clips:
            if clip.recording_id not in self.within:
                raise forms.ValidationError(
                    f"Recording {clip.recording_id} is not in the library; take it out of the link."
                )
        return clips


class ArrivalForm(forms.Form):
    """Where and when a file that came in was recorded, as somebody confirms it."""

    camera = forms.CharField(
        max_length=100,
        error_messages={
            "required": "Choose the camera that made this recording, or name a new one.",
            "max_length": "The camera's name is longer than 100 characters. Shorten it.",
        },
    )
    zone = forms.CharField(required=False)
    start = forms.CharField(required=False)

    def clean_zone(self) -> str:
        """Return the zone that was named, if any."""
        zone = self.cleaned_data["zone"]
        if zone:
            check_zone(zone)
        return str(zone)

    def clean(self) -> dict[str, Any]:
        """Read the start in the zone that was named, or else on the clock of the camera."""
        cleaned = self.cleaned_data
        if "zone" not in cleaned or "camera" not in cleaned:
            return cleaned
        known = Camera.objects.filter(name=cleaned["camera"]).first()
        cleaned["zone"] = cleaned["zone"] or (known.zone if known else "UTC")
        text = cleaned.get("start", "")
        cleaned["start"] = moment(text, ZoneInfo(cleaned["zone"])) if text else None
        return cleaned


def _number(low: float, high: float, what: str, *, whole: bool = True) -> dict[str, Any]:
    sentence = f"{what} must be a {'whole ' if whole else ''}number from {low:,} to {high:,}."
    return {
        "required": False,
        "min_value": low,
        "max_value": high,
        "error_messages": dict.fromkeys(("invalid", "min_value", "max_value"), sentence),
    }


class TrainForm(forms.Form):
    """How an encoder is to be trained; blanks take the method's own settings."""

    method = forms.ChoiceField(
        choices=[(name, name) for name in METHODS],
        required=False,
        error_messages={"invalid_choice": "There is no training method called %(value)s."},
    )
    epochs = forms.IntegerField(**_number(*RANGES["epochs"], "The number of epochs"))
    seed = forms.IntegerField(**_number(0, MOST_SEED, "The seed"))
    activate = forms.BooleanField(required=False)

    def clean_method(self) -> str:
        """Return the method; the default one where none was chosen."""
        return self.cleaned_data["method"] or Method().name

    def clean_seed(self) -> int:
        """Return the seed; 0 where it was left blank."""
        return self.cleaned_data["seed"] or 0


class SearchForm(forms.Form):
    """The controls of the search page; every one of them is part of the link."""

    recording = forms.IntegerField()
    second = SecondField(error_messages={"required": "Say which second to search for."})
    weight = forms.FloatField(**_number(0, 1, "The weight of the sound", whole=False))
    k = forms.IntegerField(**_number(1, MAX_HITS, "The number of hits"))
    exclusion = forms.IntegerField(**_number(0, DAY_S, "The exclusion window"))
    since = forms.CharField(required=False)
    until = forms.CharField(required=False)
    view = forms.ChoiceField(required=False, choices=[("when", "when")])
    near = forms.FloatField(
        **_number(LEAST_NEAR, MOST_NEAR, "How near clips must be to count", whole=False)
    )

    def __init__(self, data: Any, *, zone: ZoneInfo, cameras: list[str], within: list[int]) -> None:
        super().__init__(data)
        self.zone = zone
        # "with" and "not" are words of Python, so these fields cannot be class attributes; the
        # others offer what this account may see.
        for name in ("also", "this", "not"):
            self.fields[name] = ClipsField(within)
        self.fields["with"] = forms.ChoiceField(
            required=False,
            choices=[(each.value, each.value) for each in With],
            error_messages={
                "invalid_choice": "%(value)s is no way to compare clips; choose joint, video or "
                "audio."
            },
        )
        self.fields["camera"] = forms.MultipleChoiceField(
            required=False,
            choices=[(name, name) for name in cameras],
            error_messages={"invalid_choice": "There is no camera called %(value)s."},
        )
        self.fields["within"] = forms.TypedMultipleChoiceField(
            required=False,
            coerce=int,
            choices=[(pk, pk) for pk in within],
            error_messages={
                "invalid_choice": "Recording %(value)s is not in the library; take it out of the "
                "link."
            },
        )

    def clean_since(self) -> datetime | None:
        """Return the start of the time range on the query camera's clock."""
        text = self.cleaned_data["since"]
        return moment(text, self.zone) if text else None

    def clean_until(self) -> datetime | None:
        """Return the end of the time range on the query camera's clock."""
        text = self.cleaned_data["until"]
        return moment(text, self.zone) if text else None

    def clean(self) -> dict[str, Any]:
        """Refuse a time range that ends before it begins."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since >= until:
            raise forms.ValidationError("The time range ends before it begins.")
        return self.cleaned_data

    def query(self) -> SearchQuery:
        """Return the question that the controls ask; blanks take the defaults."""
        values = self.cleaned_data
        optional = {
            "modality": With(values["with"]) if values["with"] else None,
            "audio_weight": values["weight"],
            "k": values["k"],
            "exclusion_s": values["exclusion"],
        }
        return SearchQuery(
            recording_id=values["recording"],
            second=values["second"],
            cameras=tuple(values["camera"]),
            recordings=tuple(values["within"]),
            since=values["since"],
            until=values["until"],
            also=values["also"],
            this=values["this"],
            not_this=values["not"],
            **{name: value for name, value in optional.items() if value is not None},
        )


def search_form(user: Viewer, data: Any, camera: Camera, *, beside: bool = True) -> SearchForm:
    """Return the controls of a search, as the data of a link has them, for what an account may see.

    The query is of ``camera``, which is searched alone unless others may be chosen ``beside`` it.
    """
    names = cameras_for(user).values_list("name", flat=True) if beside else [camera.name]
    within = recordings_for(user).values_list("pk", flat=True)
    return SearchForm(data, zone=camera.tzinfo, cameras=list(names), within=list(within))
