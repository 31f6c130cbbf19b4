"""What a picture of a recording's sound is asked for."""

from typing import Any

from django import forms

from indexing.footage.spectrogram import WIDEST
from ml.preprocess import MEL_BINS

SECONDS = "A piece of sound begins inside the recording, and ends after it began, inside as well."
SIZE = f"A picture of sound is 1 to {WIDEST} pixels wide and 1 to {MEL_BINS} high."


def _whole(sentence: str, low: int, high: int) -> forms.IntegerField:
    kinds = ("required", "invalid", "min_value", "max_value")
    return forms.IntegerField(
        min_value=low, max_value=high, error_messages=dict.fromkeys(kinds, sentence)
    )


class SpectrogramForm(forms.Form):
    """Which seconds of a recording, and the picture's size in pixels."""

    width = _whole(SIZE, 1, WIDEST)
    height = _whole(SIZE, 1, MEL_BINS)

    def __init__(self, data: Any, duration_s: int) -> None:
        super().__init__(data)
        self.fields["start"] = _whole(SECONDS, 0, max(0, duration_s - 1))
        self.fields["end"] = _whole(SECONDS, 1, duration_s)

    def clean(self) -> dict[str, Any]:
        """Refuse a piece that ends before it begins."""
        values: dict[str, Any] = super().clean() or {}
        if {"start", "end"} <= values.keys() and values["start"] >= values["end"]:
            raise forms.ValidationError(SECONDS)
        return values
