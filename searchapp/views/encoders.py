"""The encoders of every camera: which is in use, where each came from, and taking turns."""

import tempfile
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indexing.encoders import exchange, registry
from indexing.encoders.registry import RegistryError
from indexing.files import FileDamaged
from indexing.models import Camera
from searchapp import encoders as reads
from searchapp import selectors, services
from searchapp.templatetags.learning import encoder_name
from searchapp.views.live import page_or_part


def place(camera: Camera) -> str:
    """Return the address of a camera's encoders."""
    return f"{reverse('encoders')}?{urlencode({'camera': camera.name})}"


@require_safe
def encoders(request: HttpRequest) -> HttpResponse:
    """Show the encoders by camera, or only the list that changes where the page asks for that."""
    camera = request.GET.get("camera", "")
    panels = reads.panels(request.user, camera=camera)
    if camera and not panels:
        raise Http404
    context = {"panels": panels, "camera": camera, **permissions(request)}
    if not panels and request.headers.get("HX-Request") == "true":
        raise Http404
    first = panels[0] if panels else None
    templates = "encoders/page.html", "encoders/_list.html"
    moving = bool(first and first.building)
    return page_or_part(request, *templates, {**context, "panel": first}, moving=moving)


def permissions(request: HttpRequest) -> dict[str, object]:
    """Return what this account may do here, and whether anybody is there to do the work."""
    return {
        "manages": selectors.may_manage(request.user),
        "trains": selectors.may_train(request.user),
        "alone": selectors.work_waits_alone(),
    }


@require_safe
def encoder(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one encoder, or only how far its embedding has come where that is asked for."""
    found = reads.encoder_for(request.user, pk)
    entry = registry.entry(found)
    made_by = reads.training_of(found)
    context = {
        "encoder": found,
        "entry": entry,
        "training": made_by,
        "checks": reads.checks(made_by.verdict if made_by else {}),
        "metrics": reads.numbers(found.metrics) if found.metrics else [],
        "settings": reads.numbers(found.settings) if found.settings else [],
        "rival": reads.rival(found),
        **permissions(request),
    }
    templates = "encoders/encoder.html", "encoders/_state.html"
    return page_or_part(request, *templates, context, moving=entry.job is not None)


@require_POST
def activate(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an encoder in use; search goes on by the one before until it is ready."""
    found = reads.encoder_for(request.user, pk)
    try:
        job = services.activate_encoder(user=request.user, encoder=found)
    except RegistryError as error:
        messages.error(request, error.sentence)
        return redirect("encoder", pk=pk)
    name = encoder_name(found)
    if job:
        messages.success(
            request,
            f"The footage of {found.camera} is being embedded by {name}. Search goes on as "
            "before and switches once that is done.",
        )
    else:
        messages.success(request, f"Search on {found.camera} now uses {name}.")
    return redirect("encoder", pk=pk)


@require_POST
def build(request: HttpRequest, pk: int) -> HttpResponse:
    """Embed what an encoder lacks, so that it can be searched with and compared."""
    found = reads.encoder_for(request.user, pk)
    try:
        job = services.build_encoder(user=request.user, encoder=found)
    except RegistryError as error:
        messages.error(request, error.sentence)
    else:
        if job is None:
            messages.info(request, f"{encoder_name(found)} has embedded all the footage already.")
    return redirect("encoder", pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask before deleting an encoder; delete it where the answer is yes."""
    found = reads.encoder_for(request.user, pk)
    if not selectors.may_manage(request.user):
        raise PermissionDenied("Only an admin may delete an encoder.")
    if request.method != "POST":
        context = {"encoder": found, "entry": registry.entry(found)}
        return render(request, "encoders/delete.html", context)
    name, camera = encoder_name(found), found.camera
    try:
        services.delete_encoder(user=request.user, encoder=found)
    except RegistryError as error:
        messages.error(request, error.sentence)
        return redirect("encoder", pk=pk)
    messages.success(request, f"{name} of {camera} was deleted.")
    return redirect(place(camera))


@require_safe
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send an encoder with all that is known of it as one file."""
    found = reads.encoder_for(request.user, pk)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "encoder"
        try:
            exchange.write_encoder(found, path)
        except FileDamaged:
            messages.error(
                request,
                f"The file of {encoder_name(found)} is damaged or missing, so it cannot be "
                "exported; train or import another.",
            )
            return redirect("encoder", pk=pk)
        # The open file outlives its name, and leaves nothing behind once it is sent.
        stream = path.open("rb")
    name = f"{slugify(found.camera.name) or 'camera'}-{found.pk}{exchange.SUFFIX}"
    return FileResponse(stream, as_attachment=True, filename=name)


@require_POST
def take_in(request: HttpRequest, pk: int) -> HttpResponse:
    """Import an encoder from an uploaded file for one camera."""
    camera = get_object_or_404(selectors.cameras_for(request.user), pk=pk)
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, "Choose the file of an encoder that was exported, then import it.")
        return redirect(place(camera))
    try:
        found = services.import_encoder(
            user=request.user,
            camera=camera,
            stream=cast(BinaryIO, file),
            name=file.name or "The file",
        )
    except RegistryError as error:
        messages.error(request, error.sentence)
        return redirect(place(camera))
    messages.success(
        request, f"{file.name} is now {encoder_name(found)} of {camera}. It is not in use yet."
    )
    return redirect("encoder", pk=found.pk)
