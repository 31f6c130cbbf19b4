"""The tokens by which programs act for an account: made, shown once, revoked."""

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from searchapp import keeping
from searchapp import tokens as door
from searchapp.models import Scope, Token
from searchapp.tokens import TokenRefused

# In days; the first is what the form begins with, 0 is without end.
LIFETIMES = {"90": "90 days", "30": "30 days", "365": "a year", "0": "until it is revoked"}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List the account's tokens; make one, whose secret this answer alone shows."""
    user = keeping.person(request.user)
    context: dict[str, object] = {"scopes": Scope.choices, "lifetimes": LIFETIMES.items()}
    status = 200
    if request.method == "POST":
        try:
            made, secret = _made(user, request.POST)
            context |= {"made": made, "secret": secret}
        except TokenRefused as error:
            given = {"given": request.POST, "wanted": request.POST.getlist("scope")}
            context |= {"problem": error.sentence, **given}
            status = 422
    context["tokens"] = door.tokens_of(user)
    return render(request, "tokens/page.html", context, status=status)


def _made(user: User, data: QueryDict) -> tuple[Token, str]:
    days = data.get("days", "")
    if days not in LIFETIMES:
        raise TokenRefused("Choose how long the token is valid.")
    return door.make(user, data.get("name", ""), data.getlist("scope"), int(days) or None)


@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask before a token acts no more; revoke it where the answer is yes."""
    found = get_object_or_404(door.tokens_of(keeping.person(request.user)), pk=pk)
    if request.method != "POST":
        return render(request, "tokens/revoke.html", {"token": found})
    door.revoke(found)
    messages.success(request, f"{found.name} was revoked. Programs that use it are refused now.")
    return redirect("tokens")
