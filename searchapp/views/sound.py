"""A recording's sound as a picture beside its timeline, or one sentence where there is none."""

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from indexing.footage.levels import loudness
from indexing.footage.spectrogram import SILENT_DB, SoundGone, spectrogram
from indexing.models import Recording
from searchapp.forms import first_error
from searchapp.selectors import recording_for
from searchapp.sound_forms import SpectrogramForm

A_YEAR_S = 31_536_000


@require_safe
def strip(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the strip of a recording's sound, or say that there is none or that it is silent."""
    found = recording_for(request.user, pk)
    levels = loudness(found)
    heard = int(np.isfinite(levels).sum())
    silent = int((levels < SILENT_DB).sum())
    context = {"recording": found, "heard": heard, "silent": silent, "coming": not _whole(found)}
    return render(request, "recording/_sound.html", context)


@require_safe
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the spectrogram of some seconds as a PNG, which never changes once all is described."""
    found = recording_for(request.user, pk)
    form = SpectrogramForm(request.GET, found.duration_s)
    if not form.is_valid():
        return _said(first_error(form), 422)
    values = form.cleaned_data
    whole = _whole(found)
    seconds = range(values["start"], values["end"])
    try:
        drawn = spectrogram(found, seconds, values["width"], values["height"])
    except SoundGone as gone:
        return _said(gone.sentence, 503)
    response = HttpResponse(drawn, content_type="image/png")
    if whole:
        patch_cache_control(response, private=True, max_age=A_YEAR_S, immutable=True)
    else:
        patch_cache_control(response, no_store=True)
    return response


def _said(sentence: str, status: int) -> HttpResponse:
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")


def _whole(found: Recording) -> bool:
    """Whether every second has been described, so that no picture of it will change."""
    return found.state == Recording.State.READY and not found.chunks.filter(features="").exists()
