"""What every page shows of an account's own work: how many notifications wait."""

from django import template

from searchapp.keeping import unread
from searchapp.selectors import Viewer

register = template.Library()


@register.filter
def waiting(user: Viewer) -> int:
    """Return how many notifications an account has not read."""
    return unread(user)
