"""A search as an account asks it: what it names has to be there for that account."""

from datetime import datetime

from django.utils import timezone

from indexing.models import Camera
from indexing.search.query import SearchError, SearchQuery
from searchapp import selectors
from searchapp.encoders import encoder_for
from searchapp.selectors import Viewer


def on_clock(moment: datetime | None, camera: Camera) -> datetime | None:
    """Return a moment; without an offset it is on the camera's clock."""
    if moment is None or timezone.is_aware(moment):
        return moment
    return timezone.make_aware(moment, camera.tzinfo)


def check(user: Viewer, query: SearchQuery) -> None:
    """Refuse a query that names what is not there for an account.

    Raises:
        Http404: the recording of its first clip, or its encoder, is not there.
        SearchError: a camera or another recording is not there.
    """
    selectors.recording_for(user, query.recording_id)
    if query.encoder_id is not None:
        encoder_for(user, query.encoder_id)
    clips = (*query.also, *query.this, *query.not_this)
    wanted = {*query.recordings, *(clip.recording_id for clip in clips)}
    seen = selectors.recordings_for(user).filter(pk__in=wanted)
    if gone := wanted - set(seen.values_list("pk", flat=True)):
        raise SearchError(f"Recording {min(gone)} is not in the library; take it out.")
    named = selectors.cameras_for(user).filter(name__in=query.cameras)
    if lost := set(query.cameras) - set(named.values_list("name", flat=True)):
        raise SearchError(f"There is no camera named {min(lost)}.")
