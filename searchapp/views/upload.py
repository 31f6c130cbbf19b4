"""Recordings coming in from the browser: one request a file, the body being the file's bytes."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from indexing.footage.intake import IntakeError
from searchapp import services
from searchapp.forms import UploadForm, first_error
from searchapp.numbers import whole

# A browser learns of a refusal only after it has sent what it was sending; small files are read
# to their end, so that it sees the sentence and not a broken connection.
DRAIN_BYTES = 16_000_000
BLOCK = 256 * 1024


@require_safe
def check(request: HttpRequest) -> JsonResponse:
    """Answer why an upload would be refused, before its bytes travel; blank if it would not."""
    form = UploadForm(request.GET)
    size = request.GET.get("size", "")
    problem = "" if form.is_valid() else first_error(form)
    try:
        services.check_upload(user=request.user, size=whole(size))
    except IntakeError as error:
        problem = problem or error.sentence
    return JsonResponse({"error": problem})


@require_POST
def upload(request: HttpRequest) -> JsonResponse:
    """Stream the request's body into the library; answer the recording or a sentence."""
    form = UploadForm(request.GET)
    if not form.is_valid():
        _drain(request)
        return _refusal(first_error(form))
    length = request.headers.get("Content-Length", "")
    try:
        taken = services.upload(
            user=request.user,
            stream=request,
            name=form.cleaned_data["name"],
            size=whole(length),
            camera=form.cleaned_data["camera"],
            zone=form.cleaned_data["zone"],
            start=form.cleaned_data["start"] or None,
        )
    except IntakeError as error:
        _drain(request)
        return _refusal(error.sentence)
    recording = taken.recording
    return JsonResponse(
        {
            "recording": recording.pk,
            "known": taken.known,
            "url": reverse("recording", args=[recording.pk]),
            "camera": recording.camera.name,
            "refused": recording.reason,
        }
    )


def _refusal(sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=422)


def _drain(request: HttpRequest) -> None:
    left = DRAIN_BYTES
    while left > 0 and (block := request.read(BLOCK)):
        left -= len(block)
