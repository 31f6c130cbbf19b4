"""Settings from the environment, read by typed helpers that refuse nonsense."""

import os
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"", "0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """Return the variable, stripped, or the default where it is unset."""
    return os.environ.get(name, default).strip()


def flag(name: str, *, default: bool = False) -> bool:
    """Return a yes-or-no variable; anything else is refused."""
    raw = text(name, "1" if default else "0").lower()
    if raw in TRUE:
        return True
    if raw in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {raw!r}; it must be 1 or 0.")


def whole(name: str, default: int, *, minimum: int = 0) -> int:
    """Return a whole number that is not below the minimum."""
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {raw!r}; it must be a whole number.") from None
    if value < minimum:
        raise ImproperlyConfigured(f"{name} is {value}; it must be at least {minimum}.")
    return value


def listed(name: str, default: str = "") -> list[str]:
    """Return the parts of a comma-separated variable."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def postgres(name: str) -> dict[str, object] | None:
    """Return Django's settings for ``postgres://user:password@host:port/name``.

    None where the variable is unset, which means SQLite in the data root.
    """
    raw = text(name)
    if not raw:
        return None
    url = urlsplit(raw)
    if url.scheme not in {"postgres", "postgresql"} or not url.path.strip("/"):
        raise ImproperlyConfigured(
            f"{name} must look like postgres://user:password@host:5432/name."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.strip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname or "",
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
