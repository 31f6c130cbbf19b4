"""What every answer of the web server carries."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Scripts, styles, fonts, pictures and media come from this server's own files, never from inside
# a page: what a camera's or a file's name smuggles into a page cannot run.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class ContentSecurityPolicy:
    """Send the content security policy with every answer that has not one of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under the policy."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
