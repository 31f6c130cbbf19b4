"""Unusual moments: a camera's timeline, and the desk at which they are judged."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST, require_safe

from indexing.anomalies.camera_scores import LEAST_SIGMA, MOST_SIGMA, SIGMA_STEP, camera_scores
from indexing.anomalies.normal import Score
from indexing.anomalies.recording_scores import AnomalyError
from indexing.anomalies.reviews import ReviewError
from indexing.events.labels import LabelError
from indexing.models import Camera
from searchapp import anomalies as reads
from searchapp import selectors, services
from searchapp.anomaly_forms import CurveForm, DeskForm, VerdictForm
from searchapp.forms import first_error

SCORES = {
    Score.COMBINED: "How rare",
    Score.NEIGHBOUR: "How far from the usual",
    Score.CROSS: "Sound against picture",
}


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the cameras with footage under each other; each asks for its timeline by itself."""
    cameras = selectors.cameras_for(request.user).filter(recordings__isnull=False).distinct()
    return render(request, "anomalies/overview.html", {"cameras": cameras})


@require_safe
def line(request: HttpRequest, camera: str) -> HttpResponse:
    """Show one camera's timeline for the overview."""
    found = reads.line(request.user, reads.camera_for(request.user, camera))
    return render(request, "anomalies/_line.html", {"line": found})


@require_safe
def anomalies(request: HttpRequest, camera: str) -> HttpResponse:
    """Show a camera's timeline and its peaks; htmx asks for the desk alone."""
    found = reads.camera_for(request.user, camera)
    form = DeskForm(request.GET)
    context: dict[str, object] = {"camera": found, "trains": selectors.may_train(request.user)}
    if not form.is_valid():
        return _problem(request, first_error(form), context)
    choice = form.choice()
    try:
        scores = camera_scores(found, choice.score)
    except AnomalyError as error:
        return _problem(request, error.sentence, context)
    desk = reads.Desk(request.user, scores, choice, form.wanted())
    context |= {"desk": desk, "choice": choice, "events": reads.event_names(found)}
    if request.headers.get("HX-Request") == "true":
        response = render(request, "anomalies/_desk.html", {**context, "alone": True})
    else:
        context |= {
            "timeline": reads.timeline(request.user, scores),
            "drift": reads.drift_of(scores),
            "scores": _offered(found),
            "slider": {"min": LEAST_SIGMA, "max": MOST_SIGMA, "step": SIGMA_STEP},
        }
        response = render(request, "anomalies/page.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _problem(request: HttpRequest, sentence: str, context: dict[str, object]) -> HttpResponse:
    return render(request, "anomalies/problem.html", {**context, "problem": sentence}, status=422)


def _offered(camera: Camera) -> list[tuple[Score, str]]:
    """Return the scores that the camera's encoder can tell."""
    crossable = camera.encoder is not None and camera.encoder.crossable
    return [(score, says) for score, says in SCORES.items() if crossable or score != Score.CROSS]


@require_safe
def curve(request: HttpRequest, camera: str) -> HttpResponse:
    """Send a piece of the score's curve and of the sound's level, as JSON."""
    found = reads.camera_for(request.user, camera)
    form = CurveForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"error": first_error(form)}, status=422)
    asked = {key: form.cleaned_data[key] for key in ("since", "until", "bins")}
    try:
        scores = camera_scores(found, form.cleaned_data["score"]).curve(**asked)
    except AnomalyError as error:
        return JsonResponse({"error": error.sentence}, status=422)
    levels = reads.levels(request.user, found, **asked)
    return JsonResponse(
        {"since": scores.since, "step": scores.step, "scores": scores.most, "levels": levels.most}
    )


@require_POST
def review(request: HttpRequest, camera: str) -> HttpResponse:
    """Keep what the account made of a peak, and go on to the next."""
    found = reads.camera_for(request.user, camera)
    form = VerdictForm(request.POST)
    if not form.is_valid():
        messages.error(request, first_error(form))
        return redirect(reads.page_of(found))
    number, second = form.cleaned_data["recording"], form.cleaned_data["second"]
    more = {"recording": number, "second": second, "step": "next"}
    try:
        peak = reads.peak_at(found, form.choice(), number, second)
        services.review(user=request.user, found=peak, **form.said())
    except (AnomalyError, ReviewError, LabelError) as error:
        messages.error(request, error.sentence)
        more.pop("step")
    return redirect(f"{reads.page_of(found)}?{form.choice().query(**more)}")


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a review back, and show the peak again."""
    form = DeskForm(request.POST)
    try:
        taken = services.undo_review(user=request.user, number=pk)
    except ReviewError as error:
        messages.error(request, error.sentence)
        return redirect("anomalies-overview")
    more = {"recording": taken.recording_id, "second": taken.peak_s}
    query = form.choice().query(**more) if form.is_valid() else ""
    return redirect(f"{reads.page_of(taken.recording.camera)}?{query}")
