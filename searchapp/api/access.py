"""Who may call what: a token of an account, with the scope that the route asks for."""

from typing import Any

from django.http import HttpRequest
from ninja.errors import AuthorizationError, Throttled
from ninja.security import HttpBearer

from searchapp import tokens
from searchapp.models import Scope, Token


class Bearer(HttpBearer):
    """Takes `Authorization: Bearer TOKEN`; cookies count for nothing, so no other site can act."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the token, and let the request be its account's.

        Raises:
            Throttled: it was used too often in this minute.
            AuthorizationError: it lacks the scope.
        """
        found: Token | None = tokens.find(token)
        if found is None:
            return None
        if wait := tokens.admit(found):
            raise Throttled(wait)
        if self.scope not in found.scopes:
            raise AuthorizationError(
                403, f"This takes a token with the scope {self.scope}; make one on the tokens page."
            )
        request.user = found.user
        return found
