"""What the pages of labels and events are asked for, checked and turned into values."""

from typing import Any

from django import forms

from indexing.events.labels import LONGEST_NAME, LONGEST_NOTE, LabelError
from searchapp.forms import SecondField, first_error


class LabelForm(forms.Form):
    """An event in some seconds of a recording; indexing.events.labels checks them."""

    event = forms.CharField(
        max_length=LONGEST_NAME + len("not "),
        error_messages={
            "required": "Write which event these seconds hold, such as siren.",
            "max_length": f"The event's name is longer than {LONGEST_NAME} characters.",
        },
    )
    start = SecondField(error_messages={"required": "Say at which second the event starts."})
    end = SecondField(error_messages={"required": "Say at which second the event is over."})
    note = forms.CharField(
        required=False,
        max_length=LONGEST_NOTE,
        error_messages={"max_length": f"The note is longer than {LONGEST_NOTE} characters."},
    )

    def read(self) -> dict[str, Any]:
        """Return event, start, end and note; raise LabelError with the first complaint."""
        if not self.is_valid():
            raise LabelError(first_error(self))
        return self.cleaned_data
