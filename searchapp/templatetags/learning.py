"""Encoders and trainings in the words that the pages use."""

import json
from datetime import datetime
from typing import Any

from django import template

from indexing.models import Camera, Encoder, Training
from ml.method import METHODS
from searchapp.templatetags.words import day, duration

register = template.Library()

METHOD_NAMES = {
    "consensus": "Consensus",
    "epg": "EPG",
    "tpg": "TPG",
}
METHOD_WORDS = {
    "consensus": "Learns from moments that picture and sound both call alike. The one to choose.",
    "epg": "The published method: learns from moments that picture or sound calls alike.",
    "tpg": "Its baseline: learns only that a moment's picture and sound belong together.",
}
# What ml.held_back measures, and what that means.
MEASURES = {
    "clips": ("Held-back seconds", ""),
    "positive_rate": ("Positive rate", "Share of all pairs of moments that were taken for alike."),
    "crossing": ("Own sound found", "Chance that a moment's own sound is nearer than another's."),
    "rank": ("Spread", "In how many directions the moments differ; near 1 all look alike."),
    "spread": ("Spread", "In how many directions the moments differ; near 1 all look alike."),
    "shared_rank": ("Spread, shared", "The same where pictures and sounds are compared."),
    "neighbours": ("Neighbours found", "How well a moment finds the seconds beside it."),
    "agreement": ("Likeness of hits", "How alike what is found is in what was not compared."),
    "duplicates": ("Not told apart", "Share of moments that cannot be told from another."),
    "truth": ("Labelled events found", "How much of what was labelled is found."),
    "location": ("Labelled events located", "How well it is told in which seconds they are."),
}
MODES = {"video": "picture", "audio": "sound", "joint": "both", "shared": "shared"}


@register.filter
def encoder_name(encoder: Encoder) -> str:
    """Return what an encoder is called, here and on the command line: Encoder 12."""
    return f"Encoder {encoder.pk}"


@register.filter
def encoder_label(encoder: Encoder) -> str:
    """Return its name with what tells it from others in a menu: Encoder 12, Consensus."""
    return f"{encoder_name(encoder)}, {_kind(encoder)}"


def _kind(encoder: Encoder) -> str:
    return method_name(encoder.method) or str(encoder.get_kind_display())


@register.filter
def method_name(method: str) -> str:
    """Return what a method is called on the pages; its own name where it is no longer known."""
    return METHOD_NAMES.get(method, method)


@register.filter
def method_words(method: str) -> str:
    """Return what a method does in a sentence."""
    return METHOD_WORDS.get(method, "")


@register.filter
def made_on(encoder: Encoder) -> str:
    """Return the day on which an encoder came about, on its camera's calendar."""
    return day(encoder.created_at.astimezone(encoder.camera.tzinfo))


@register.filter
def moment_on(when: datetime, encoder_or_training: Encoder | Training) -> datetime:
    """Return a moment in the zone of the camera that an encoder or a training belongs to."""
    return when.astimezone(encoder_or_training.camera.tzinfo)


@register.filter
def provenance(encoder: Encoder) -> str:
    """Say in half a sentence what an encoder has learnt from."""
    if encoder.origin:
        return f"{encoder.origin} on {made_on(encoder)}"
    clips = _learnt_from(encoder)
    footage = f"{duration(clips) if clips else 'some'} of this camera's footage"
    if encoder.kind == Encoder.Kind.STARTER:
        return f"a starter fitted to {footage} on {made_on(encoder)}, not trained"
    return f"trained on {footage} on {made_on(encoder)}"


@register.filter
def made_in_short(encoder: Encoder) -> str:
    """Return kind or method, amount of footage and day, as a line of a list."""
    clips = _learnt_from(encoder)
    came = "imported" if encoder.origin else duration(clips) if clips else ""
    parts = [_first_upper(_kind(encoder)), came, made_on(encoder)]
    return ", ".join(part for part in parts if part)


def _first_upper(text: str) -> str:
    """Return a text with a capital at its start; str.capitalize would spoil the others."""
    return text[:1].upper() + text[1:]


def _learnt_from(encoder: Encoder) -> int:
    """Return how many clips an encoder has learnt from, 0 where that is not known."""
    known = (encoder.data.get("trained_on"), encoder.data.get("clips"), encoder.fitted_on)
    return next((clips for clips in known if isinstance(clips, int) and clips > 0), 0)


@register.filter
def outcome(training: Training) -> str:
    """Return good, bad or plain: whether a training gave what is in use, failed, or neither."""
    if training.state == Training.State.FAILED:
        return "bad"
    encoder = training.encoder
    return "good" if encoder and encoder.camera.encoder_id == encoder.pk else "plain"


@register.simple_tag
def series(*sources: Encoder | Training) -> str:
    """Return the curves of those that have some as JSON, named where there are several."""
    return json.dumps(
        [
            {
                "name": encoder_name(each) if isinstance(each, Encoder) and sources[1:] else "",
                "epochs": each.curves,
            }
            for each in sources
            if each.curves or not sources[1:]
        ]
    )


@register.filter
def measure(value: Any) -> str:
    """Return a measured number with the digits that tell something; a dash for none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


@register.filter
def trained_before(camera: Camera) -> bool:
    """Tell whether a camera has a trained encoder, in use or not."""
    return camera.encoders.filter(kind=Encoder.Kind.EPG).exists()


@register.filter
def named(name: str) -> str:
    """Return the name of a setting or a measure as a person reads it."""
    base, _, mode = name.partition(".")
    words = MEASURES[base][0] if base in MEASURES else _first_upper(base.replace("_", " "))
    return f"{words}, {MODES.get(mode, mode.replace('_', ' '))}" if mode else words


@register.filter
def meaning(name: str) -> str:
    """Return in a sentence what a measure says; blank where nothing is known of it."""
    return MEASURES.get(name.partition(".")[0], ("", ""))[1]


@register.filter
def training_state(training: Training) -> str:
    """Return in a word or two where a training stands."""
    return str(training.get_state_display()).lower()


@register.simple_tag
def methods() -> list[str]:
    """Return the names of the methods, the default first."""
    return sorted(METHODS, key=lambda name: (name != "consensus", list(METHODS).index(name)))
