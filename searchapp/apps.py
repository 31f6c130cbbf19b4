"""The web application."""

from django.apps import AppConfig


class SearchappConfig(AppConfig):
    """The web application: pages, accounts, start-up checks."""

    name = "searchapp"

    def ready(self) -> None:
        """Register the start-up checks."""
        from searchapp import checks  # noqa: F401  (registered on import)
