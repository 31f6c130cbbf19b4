"""Evidence: what would be exported is shown first, then made on a worker, then sent as one ZIP."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_safe

from indexing.casework import evidence as door
from indexing.casework.cases import moment
from indexing.casework.evidence import EvidenceError, Options
from indexing.files import absolute
from indexing.models import Case, Export, Work
from searchapp import keeping, selectors
from searchapp.numbers import whole
from searchapp.views.live import page_or_part
from searchapp.views.media import send

CONTEXTS = (0, 2, 5, 10, 30, 60, 300)
OPEN = (Work.State.WAITING, Work.State.RUNNING)


@require_http_methods(["GET", "HEAD", "POST"])
def of_case(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what a case would become as evidence; ask for it."""
    case = keeping.case_for(request.user, pk)
    moments = door.frozen(keeping.moments_for(request.user, case))
    return _page(request, case.title, moments, note=case.note, case=case)


@require_http_methods(["GET", "HEAD", "POST"])
def of_moment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what one moment of a recording would become as evidence; ask for it."""
    recording = selectors.recording_for(request.user, pk)
    start = _number(request, "start", 0)
    end = _number(request, "end", start + 1)
    if not 0 <= start < end <= recording.duration_s:
        raise Http404
    return _page(request, recording.name, door.frozen([moment(recording, start, end)]))


def _page(
    request: HttpRequest,
    title: str,
    moments: list[dict[str, Any]],
    *,
    note: str = "",
    case: Case | None = None,
) -> HttpResponse:
    user = keeping.person(request.user)
    options = _options(request)
    context: dict[str, object] = {"case": case, "title": title, "options": options}
    try:
        if request.method == "POST":
            made = door.ask(user, title, moments, options, note=note, case=case)
            return redirect("evidence", pk=made.pk)
        context["previews"] = door.preview(moments, options)
    except EvidenceError as error:
        context["problem"] = error.sentence
    contexts = {*CONTEXTS, options.before_s, options.after_s}
    context |= {"contexts": sorted(contexts), "start": request.GET.get("start", "")}
    context |= {"end": request.GET.get("end", "")}
    status = 422 if "problem" in context else 200
    return render(request, "cases/evidence.html", context, status=status)


def _options(request: HttpRequest) -> Options:
    data = Options()
    return Options(
        before_s=_number(request, "before", data.before_s),
        after_s=_number(request, "after", data.after_s),
        burn=bool(_value(request, "burn")),
    )


def _value(request: HttpRequest, name: str) -> str:
    return request.POST.get(name) or request.GET.get(name) or ""


def _number(request: HttpRequest, name: str, default: int) -> int:
    return whole(_value(request, name), default)


@require_safe
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an export: how far it is, or where to download it."""
    found = keeping.export_for(request.user, pk)
    moving = found.state in OPEN
    context = {"export": found, "moving": moving, "alone": selectors.work_waits_alone()}
    return page_or_part(request, "cases/export.html", "cases/_export.html", context, moving=moving)


@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send the ZIP of an export as a download."""
    found = keeping.export_for(request.user, pk)
    if not found.file:
        raise Http404
    response = send(request, absolute(found.file), found.sha256)
    name = f"evidence-{_slug(found)}.zip"
    disposition = content_disposition_header(as_attachment=True, filename=name)
    response.headers["Content-Disposition"] = disposition or "attachment"
    response.headers["Content-Type"] = "application/zip"
    return response


def _slug(found: Export) -> str:
    return f"{found.pk}-{slugify(found.title)[:60]}".strip("-")
