"""Which encoders answer a query: the one it leads with, and those of the other cameras searched."""

from collections.abc import Iterator

from indexing.models import Camera, Encoder, Recording
from indexing.search.query import SearchError, SearchQuery, searched


def leading(query: SearchQuery, recording: Recording) -> Encoder:
    """Return the encoder asked for, or the one its camera uses.

    For a sample, which has none of its own, that is the one of the first camera that can answer.

    Raises:
        SearchError: there is no such encoder, or it does not search what is named.
    """
    own = recording.camera
    if query.encoder_id is not None:
        return _named(query, query.encoder_id, own)
    if own.samples:
        first = next(iter(_able(query, recording)), None)
        if first is None:
            raise SearchError(
                next(_reasons(query, recording), "No footage can be searched with it yet.")
            )
        return first
    if own.encoder is None:
        raise SearchError(
            f"{recording.name} is still being prepared; its first minute is searchable soon."
        )
    return own.encoder


def _named(query: SearchQuery, number: int, own: Camera) -> Encoder:
    """Return the encoder that the query names, where that searches all it is to search."""
    chosen = Encoder.objects.filter(pk=number).select_related("camera").first()
    if chosen is None:
        raise SearchError(f"There is no encoder {number}.")
    foreign = chosen.camera_id != own.pk and not own.samples
    if foreign or set(query.cameras) - {chosen.camera.name}:
        raise SearchError(f"Encoder {chosen.pk} searches its own camera, {chosen.camera}, only.")
    return chosen


def answering(query: SearchQuery, recording: Recording, first: Encoder) -> list[Encoder]:
    """Return the encoders by which the searched cameras are embedded, the leading one first.

    Those that cannot compare what is asked for are left out; `left_out` says whose they are.
    """
    if query.encoder_id is not None or not (query.cameras or recording.camera.samples):
        return [first]
    return sorted(_able(query, recording), key=lambda other: (other != first, other.pk))


def left_out(query: SearchQuery, recording: Recording) -> Iterator[str]:
    """Yield why searched cameras were left out, with their names."""
    if query.cameras or recording.camera.samples:
        yield from _reasons(query, recording)


def _reasons(query: SearchQuery, recording: Recording) -> Iterator[str]:
    found = _in_use(query, recording)
    untrained = [each.camera.name for each in found if not _crosses(query, each)]
    if untrained:
        yield (
            "Pictures and sounds can be compared with each other only after a camera has been "
            f"trained, so these were left out: {', '.join(untrained)}."
        )
    blind = [each.camera.name for each in found if not sees(each, recording)]
    if blind:
        yield (
            f"{recording.name} was seen through other weights than the encoders of these cameras "
            f"learnt with, so they were left out: {', '.join(blind)}."
        )


def _able(query: SearchQuery, recording: Recording) -> list[Encoder]:
    """Return the encoders of the searched cameras that can compare what is asked for, by name."""
    found = _in_use(query, recording)
    return [each for each in found if _crosses(query, each) and sees(each, recording)]


def _in_use(query: SearchQuery, recording: Recording) -> list[Encoder]:
    names = searched(query, recording.camera)
    used = Encoder.objects.filter(serving__name__in=names).select_related("camera")
    return list(used.order_by("camera__name"))


def _crosses(query: SearchQuery, encoder: Encoder) -> bool:
    return encoder.crossable or not query.modality.crossing


def sees(encoder: Encoder, recording: Recording) -> bool:
    """Tell whether an encoder can embed a recording: its own camera's, or seen as it learnt to."""
    if encoder.camera_id == recording.camera_id or not encoder.trunk:
        return True
    others = recording.chunks.exclude(trunk__in=("", encoder.trunk))
    return not others.exists()
