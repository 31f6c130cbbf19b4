"""The pages for what went wrong, in plain sentences."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token


def _program(request: HttpRequest) -> bool:
    """Tell whether a program asks, which reads no pages."""
    return request.path.startswith("/api/")


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that the account's role does not allow this."""
    return render(request, "403.html", {"sentence": str(exception)}, status=403)


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that nothing is there, and where to go."""
    if _program(request):
        return JsonResponse({"error": "There is no such address."}, status=404)
    return render(request, "404.html", status=404)


@requires_csrf_token
def broken(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours; needs no database, which may be the cause."""
    if _program(request):
        sentence = "Something broke on the server; its operator finds why in the server's log."
        return JsonResponse({"error": sentence}, status=500)
    return render(None, "500.html", status=500)


@requires_csrf_token
def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form was too old or came from elsewhere (settings.CSRF_FAILURE_VIEW)."""
    sentence = "This form is too old to be accepted. Go back, load the page again and repeat it."
    return render(request, "403.html", {"sentence": sentence}, status=403)
