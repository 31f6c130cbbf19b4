"""Whose token this is, and what it may do."""

from datetime import datetime
from typing import cast

from django.http import HttpRequest
from pydantic import BaseModel

from searchapp import selectors
from searchapp.api.desk import Desk
from searchapp.models import Scope, Token

desk = Desk("account")


class AccountOut(BaseModel):
    """The account that the token acts for; its roles limit what the scopes allow."""

    name: str
    sees: bool
    trains: bool
    manages: bool
    token: str
    scopes: list[Scope]
    expires_at: datetime | None


@desk.on("GET", "/account", Scope.READ)
def account(request: HttpRequest) -> AccountOut:
    """Tell whose token this is, and what it may do."""
    token = cast(Token, request.auth)  # type: ignore[attr-defined]
    return AccountOut(
        name=token.user.get_username(),
        sees=selectors.may_see(token.user),
        trains=selectors.may_train(token.user),
        manages=selectors.may_manage(token.user),
        token=token.name,
        scopes=[Scope(scope) for scope in token.scopes],
        expires_at=token.expires_at,
    )
