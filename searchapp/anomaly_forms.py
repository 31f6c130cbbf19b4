"""What the pages of unusual moments are asked for, checked and turned into values."""

from typing import Any

from django import forms

from indexing.anomalies.camera_scores import LEAST_SIGMA, MOST_BINS, MOST_SIGMA
from indexing.anomalies.normal import Score
from indexing.anomalies.reviews import LONGEST_NOTE
from indexing.models import Review
from ml.anomaly import SIGMA
from searchapp.anomalies import SHOWN, Choice, Wanted

YEAR_2200 = 7_258_118_400
NO_SUCH = "This link names something that is not here; begin again from the page's own controls."


def _one_of(values: Any) -> dict[str, Any]:
    return {
        "required": False,
        "choices": [(str(value), str(value)) for value in values],
        "error_messages": {"invalid_choice": NO_SUCH},
    }


def _whole(low: int, high: int, *, required: bool) -> dict[str, Any]:
    sentences = dict.fromkeys(("required", "invalid", "min_value", "max_value"), NO_SUCH)
    return {
        "required": required,
        "min_value": low,
        "max_value": high,
        "error_messages": sentences,
    }


class DeskForm(forms.Form):
    """Which peaks are listed, and which of them is looked at; blanks take the defaults."""

    sigma = forms.FloatField(
        required=False,
        min_value=LEAST_SIGMA,
        max_value=MOST_SIGMA,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value"),
            f"Sigma is a number from {LEAST_SIGMA:g} to {MOST_SIGMA:g}.",
        ),
    )
    score = forms.ChoiceField(**_one_of(Score))
    order = forms.ChoiceField(**_one_of(("strongest", "oldest")))
    show = forms.ChoiceField(**_one_of(SHOWN))
    recording = forms.IntegerField(**_whole(0, 2**62, required=False))
    second = forms.IntegerField(**_whole(0, 2**31, required=False))
    step = forms.ChoiceField(**_one_of(("next", "previous")))
    at = forms.IntegerField(**_whole(-YEAR_2200, YEAR_2200, required=False))
    reach = forms.IntegerField(**_whole(0, YEAR_2200, required=False))

    def choice(self) -> Choice:
        """Return what the link chose."""
        values = self.cleaned_data
        return Choice(
            Score(values["score"] or Score.COMBINED),
            SIGMA if values["sigma"] is None else values["sigma"],
            values["order"] or "strongest",
            values["show"] or "open",
        )

    def wanted(self) -> Wanted:
        """Return which of the peaks is to be looked at."""
        values = self.cleaned_data
        recording, second, at = values["recording"], values["second"], values["at"]
        return Wanted(
            key=None if recording is None or second is None else (recording, second),
            step=values["step"],
            near=None if at is None else (at, values["reach"] or 0),
        )


class VerdictForm(DeskForm):
    """What the account makes of a peak; an event's name confirms it and labels its seconds."""

    verdict = forms.ChoiceField(**_one_of(Review.Verdict.values))
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        error_messages={"max_length": f"A note has at most {LONGEST_NOTE:,} characters."},
    )
    event = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        """Demand a verdict or an event, and a peak."""
        values = self.cleaned_data
        if not (values.get("verdict") or values.get("event")):
            raise forms.ValidationError("Name the event that these seconds hold.")
        if values.get("recording") is None or values.get("second") is None:
            raise forms.ValidationError(NO_SUCH)
        return values

    def said(self) -> dict[str, str]:
        """Return verdict, note and event."""
        values = self.cleaned_data
        verdict = Review.Verdict.CONFIRMED if values["event"] else values["verdict"]
        return {"verdict": verdict, "note": values["note"], "event": values["event"]}


class CurveForm(forms.Form):
    """A piece of the clock, in seconds since 1970, and into how many bins it is to be put."""

    since = forms.IntegerField(**_whole(-YEAR_2200, YEAR_2200, required=True))
    until = forms.IntegerField(**_whole(-YEAR_2200, YEAR_2200, required=True))
    bins = forms.IntegerField(**_whole(2, MOST_BINS, required=True))
    score = forms.ChoiceField(**_one_of(Score))

    def clean_score(self) -> Score:
        """Return the score; the combined one where none was chosen."""
        return Score(self.cleaned_data["score"] or Score.COMBINED)

    def clean(self) -> dict[str, Any]:
        """Refuse a piece without length."""
        values = self.cleaned_data
        if "since" in values and "until" in values and values["since"] >= values["until"]:
            raise forms.ValidationError(NO_SUCH)
        return values
