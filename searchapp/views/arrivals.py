"""What is on its way into the library: uploads under way, and those to be confirmed."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from indexing.footage.intake import Intake, IntakeError
from indexing.models import Recording, Upload
from searchapp import selectors, services
from searchapp.forms import ArrivalForm, first_error


@require_safe
def arrivals(request: HttpRequest) -> JsonResponse:
    """List the uploads that are not recordings yet, oldest first."""
    found = selectors.uploads_for(request.user).exclude(state=Upload.EXPIRED)
    answer = {"uploads": [_upload(each, request) for each in found]}
    response = JsonResponse(answer | {"alone": selectors.work_waits_alone()})
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
def confirm(request: HttpRequest, key: UUID) -> JsonResponse:
    """Begin the ingest of an upload, at the camera and start that somebody confirmed."""
    found = get_object_or_404(selectors.uploads_for(request.user), key=key)
    form = ArrivalForm(request.POST)
    if not form.is_valid():
        return _refusal(first_error(form))
    values = form.cleaned_data
    try:
        taken: Intake = services.confirm_upload(
            user=request.user,
            upload=found,
            camera=values["camera"],
            zone=values["zone"],
            start=values["start"],
        )
    except IntakeError as error:
        return _refusal(error.sentence)
    return JsonResponse(_recording(taken.recording) | {"known": taken.known})


def _refusal(sentence: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=422)


def _upload(found: Upload, request: HttpRequest) -> dict[str, Any]:
    by = found.user.get_username() if found.user and found.user != request.user else ""
    return {
        "url": reverse("tus-upload", args=[found.key]),
        "name": found.name,
        "size": found.size,
        "offset": found.offset,
        "modified": found.modified,
        "state": found.state,
        "progress": found.progress,
        "camera": found.camera,
        "told": found.told,
        "error": found.error,
        "expires": found.expires_at.isoformat(),
        "by": by,
        "recording": _recording(found.recording) if found.recording else None,
    }


def _recording(found: Recording) -> dict[str, Any]:
    return {
        "recording": found.pk,
        "url": reverse("recording", args=[found.pk]),
        "camera": found.camera.name,
        "refused": found.reason,
    }
