"""The web application."""

from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class SearchappConfig(AppConfig):
    """The web application: pages, accounts, start-up checks."""

    name = "searchapp"

    def ready(self) -> None:
        """Register the start-up checks, and have the roles made with the database."""
        from searchapp import checks  # noqa: F401  (registered on import)

        auth = apps.get_app_config("auth")  # the roles are its groups
        post_migrate.connect(_ensure_roles, sender=auth, dispatch_uid="searchapp.roles")


def _ensure_roles(**kwargs: Any) -> None:
    """Make the roles after every migration: a data migration would miss a flushed database."""
    from searchapp.services import ensure_roles

    ensure_roles()
