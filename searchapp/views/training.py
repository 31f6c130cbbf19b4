"""One training: begun, followed, paused, gone on with, cancelled."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indexing.learning.training import TrainingRefused
from indexing.models import Training
from searchapp import encoders as reads
from searchapp import selectors, services
from searchapp.forms import TrainForm, first_error
from searchapp.views.encoders import permissions, place
from searchapp.views.live import page_or_part


@require_POST
def train(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin to train a camera's encoder as the form says."""
    camera = get_object_or_404(selectors.cameras_for(request.user), pk=pk)
    form = TrainForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(place(camera))
    try:
        services.start_training(user=request.user, camera=camera, **form.cleaned_data)
    except TrainingRefused as error:
        messages.error(request, error.sentence)
    return redirect(place(camera))


@require_safe
def training(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one training, or only what changes while it runs where the page asks for that."""
    course = reads.course(reads.training_for(request.user, pk))
    context = {
        "course": course,
        "checks": reads.checks(course.training.verdict),
        "settings": reads.numbers(course.training.settings),
        **permissions(request),
    }
    templates = "encoders/training.html", "encoders/_course.html"
    return page_or_part(request, *templates, context, moving=course.open)


@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause a training; its last finished epoch is kept."""
    return _steer(request, pk, services.pause_training)


@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a paused training."""
    return _steer(request, pk, services.resume_training)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask before a training ends without a result; end it where the answer is yes."""
    if request.method != "POST":
        found = reads.training_for(request.user, pk)
        if not selectors.may_train(request.user):
            raise PermissionDenied("Only an admin or an operator may cancel a training.")
        return render(request, "encoders/cancel.html", {"training": found})
    return _steer(request, pk, services.cancel_training)


def _steer(request: HttpRequest, pk: int, act: Callable[..., None]) -> HttpResponse:
    """Act on a training; a refusal is shown where its account can read it."""
    found: Training = reads.training_for(request.user, pk)
    try:
        act(user=request.user, found=found)
    except TrainingRefused as error:
        messages.error(request, error.sentence)
    return redirect(place(found.camera))
