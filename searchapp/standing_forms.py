"""How a standing search is asked for: how near, how often, and by which ways it tells."""

from typing import Any

from django import forms

from indexing.casework.standing import LONGEST_COOL_DOWN_S, Terms
from indexing.casework.webhooks import LONGEST_URL
from indexing.models import SavedSearch

# In seconds.
COOL_DOWNS = (0, 60, 300, 600, 1800, 3600, 6 * 3600, LONGEST_COOL_DOWN_S)


class StandingForm(forms.Form):
    """The terms on which a search stands; their sense is checked where they are used."""

    measure = forms.ChoiceField(
        choices=SavedSearch.Measure.choices,
        error_messages={"invalid_choice": "A threshold is a percentile or a distance."},
    )
    threshold = forms.FloatField(
        error_messages=dict.fromkeys(("required", "invalid"), "The threshold must be a number.")
    )
    cool_down = forms.IntegerField(
        error_messages=dict.fromkeys(
            ("required", "invalid"), "The cool-down must be a whole number of seconds."
        )
    )
    webhook = forms.CharField(
        required=False,
        max_length=LONGEST_URL,
        error_messages={"max_length": f"An address has at most {LONGEST_URL} characters."},
    )
    email = forms.CharField(
        required=False,
        max_length=254,
        error_messages={"max_length": "An e-mail address has at most 254 characters."},
    )

    def terms(self) -> Terms:
        """Return the terms that the controls say."""
        values: dict[str, Any] = self.cleaned_data
        return Terms(
            measure=values["measure"],
            threshold=values["threshold"],
            cool_down_s=values["cool_down"],
            webhook=values["webhook"],
            email=values["email"],
        )
