"""Tokens by which programs act for an account: made, found by their secret, counted, revoked."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Case, F, QuerySet, When
from django.utils import timezone

from ml.refusal import Refusal
from searchapp.models import Scope, Token

LONGEST_NAME = 80
MOST_TOKENS = 50
LONGEST_DAYS = 3650
# What every secret begins with, so that one that leaks is recognised as ours.
MARK = "reprise_"
SHOWN = len(MARK) + 6


class TokenRefused(Refusal):
    """A token that cannot be made, with a sentence that says why."""


def tokens_of(user: User) -> QuerySet[Token]:
    """Return the tokens of an account that were not revoked, the newest first."""
    return Token.objects.filter(user=user, revoked_at=None)


def make(
    user: User, name: str, scopes: Sequence[str], days: int | None = None
) -> tuple[Token, str]:
    """Make a token and return it with its secret, which is shown once and kept nowhere.

    Args:
        user: for whom it acts.
        name: what it is for; one account has each name once.
        scopes: values of Scope.
        days: after how many it expires; None for never.

    Raises:
        TokenRefused: with the reason; nothing was made.
    """
    name = _name(user, name)
    wanted = [scope.value for scope in Scope if scope in scopes]
    if not wanted or set(scopes) - set(wanted):
        raise TokenRefused(f"Choose what the token is for: {', '.join(Scope.values)}.")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise TokenRefused(f"A token is valid for 1 to {LONGEST_DAYS:,} days, or without end.")
    secret = MARK + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            made = Token.objects.create(
                user=user,
                name=name,
                scopes=wanted,
                digest=_digest(secret),
                prefix=secret[:SHOWN],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
    except IntegrityError:
        raise TokenRefused(_taken(name)) from None
    return made, secret


def _name(user: User, text: str) -> str:
    """Return a name that is free, with single spaces."""
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise TokenRefused("Give the token a name, such as the program that will use it.")
    if len(name) > LONGEST_NAME:
        raise TokenRefused(f"A token's name has at most {LONGEST_NAME} characters.")
    standing = tokens_of(user)
    if standing.filter(name=name).exists():
        raise TokenRefused(_taken(name))
    if standing.count() >= MOST_TOKENS:
        raise TokenRefused(f"An account has at most {MOST_TOKENS} tokens; revoke one first.")
    return name


def _taken(name: str) -> str:
    return f"There is a token named {name} already; choose another name, or revoke that one."


def revoke(token: Token) -> None:
    """Let a token act no more."""
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def find(secret: str) -> Token | None:
    """Return the token of a secret, None where there is none that may still act."""
    rows = Token.objects.select_related("user")
    found = rows.filter(digest=_digest(secret), revoked_at=None).first()
    return found if found and found.user.is_active and not found.expired else None


def _digest(secret: str) -> str:
    """Return the SHA-256 of a secret: of 256 random bits a quick hash gives nothing away."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def admit(token: Token) -> int:
    """Count a request of a token, and return 0; or how many seconds it has to wait.

    One statement reads, compares and counts, so that processes that serve at the same time do not
    admit more than the limit together.
    """
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    rows = Token.objects.filter(pk=token.pk)
    admitted = rows.exclude(minute=minute, used__gte=settings.API_RATE).update(
        minute=minute,
        used=Case(When(minute=minute, then=F("used") + 1), default=1),
        last_used_at=now,
    )
    return 0 if admitted else 60 - now.second
