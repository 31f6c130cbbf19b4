"""The door to saved searches: a question kept with its answer, asked again, and held against it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from indexing.models import Camera, Encoder, Recording, SavedSearch, Shard
from indexing.search.query import Clip, SearchError, SearchQuery, With, searched
from indexing.search.ranking import Hit, SearchResult, search
from ml.refusal import Refusal

LONGEST_NAME = 120
# Of so many recordings that came or went since, the names are told.
MOST_NAMES = 3


class SavedError(Refusal):
    """What cannot be done with a saved search, with a sentence that says why."""


@dataclass(frozen=True)
class Row:
    """A moment of either ranking: its hit as JSON, then and now; None where it is in one only."""

    then: dict[str, Any] | None
    now: dict[str, Any] | None

    @property
    def said(self) -> str:
        """What became of it, in a word or two; empty where it stayed what it was."""
        if self.then is None:
            return "new"
        if self.now is None:
            return "not found now"
        before, after = self.then["rank"], self.now["rank"]
        return "" if before == after else f"was {before}"


@dataclass(frozen=True)
class Replay:
    """A saved search asked again: what has changed since, and both rankings side by side.

    result is None where it cannot be asked any more, for the reason in problem.
    """

    rows: tuple[Row, ...]
    same: bool
    changes: tuple[str, ...]
    encoder: Encoder | None
    result: SearchResult | None
    problem: str


def written(query: SearchQuery) -> dict[str, Any]:
    """Return a query as JSON: all that determines its ranking but encoder and footage."""
    return {
        "recording": query.recording_id,
        "second": query.second,
        "with": query.modality.value,
        "weight": query.audio_weight,
        "k": query.k,
        "exclusion": query.exclusion_s,
        "cameras": list(query.cameras),
        "recordings": list(query.recordings),
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
        "encoder": query.encoder_id,
        "also": [str(clip) for clip in query.also],
        "this": [str(clip) for clip in query.this],
        "not": [str(clip) for clip in query.not_this],
    }


def question(saved: SavedSearch) -> SearchQuery:
    """Return the query that was saved."""
    kept = saved.query
    return SearchQuery(
        recording_id=kept["recording"],
        second=kept["second"],
        modality=With(kept["with"]),
        audio_weight=kept["weight"],
        k=kept["k"],
        exclusion_s=kept["exclusion"],
        cameras=tuple(kept["cameras"]),
        recordings=tuple(kept["recordings"]),
        since=datetime.fromisoformat(kept["since"]) if kept["since"] else None,
        until=datetime.fromisoformat(kept["until"]) if kept["until"] else None,
        encoder_id=kept["encoder"],
        also=_clips(kept["also"]),
        this=_clips(kept["this"]),
        not_this=_clips(kept["not"]),
    )


def _clips(texts: Sequence[str]) -> tuple[Clip, ...]:
    return tuple(map(Clip.read, texts))


def saved_of(user: User) -> QuerySet[SavedSearch]:
    """Return the searches that an account has saved, by name."""
    rows = SavedSearch.objects.filter(user=user)
    return rows.select_related("recording__camera__encoder", "encoder__camera")


def save(user: User, name: str, query: SearchQuery) -> SavedSearch:
    """Ask a query and keep it with its answer under a name of the account's own.

    Raises:
        SavedError: the name is none, or taken.
        SearchError: the query cannot be answered.
    """
    name = _name(user, name)
    result = search(query)
    encoder = Encoder.objects.get(pk=result.encoder_id)
    try:
        with transaction.atomic():
            return SavedSearch.objects.create(
                user=user,
                name=name,
                recording_id=query.recording_id,
                encoder=encoder,
                query=written(query),
                index=_index(query, result),
                hits=_rows(result.hits),
            )
    except IntegrityError:
        raise SavedError(f"A search called {name} is saved already; choose another name.") from None


def rename(saved: SavedSearch, name: str) -> None:
    """Give a saved search another name.

    Raises:
        SavedError: the name is none, or taken.
    """
    if name.strip() != saved.name:
        saved.name = _name(saved.user, name)
        saved.save(update_fields=["name"])


def _name(user: User, text: str) -> str:
    """Return a name that is free, with single spaces."""
    name = " ".join(text.split())
    if not name:
        raise SavedError("Give the search a name, such as the thing that is searched for.")
    if len(name) > LONGEST_NAME:
        raise SavedError(f"A name has at most {LONGEST_NAME} characters.")
    if SavedSearch.objects.filter(user=user, name=name).exists():
        raise SavedError(f"A search called {name} is saved already; choose another name.")
    return name


def _rows(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return hits as JSON, with what names their recording after it has been deleted."""
    found = Recording.objects.in_bulk({hit.recording_id for hit in hits})
    return [hit.to_json() | {"name": found[hit.recording_id].name} for hit in hits]


def _encoders(query: SearchQuery) -> list[Encoder]:
    """Return the encoders that answer a query now."""
    if query.encoder_id is not None:
        return list(Encoder.objects.filter(pk=query.encoder_id).select_related("camera"))
    own = Camera.objects.filter(recordings=query.recording_id).first()
    names = searched(query, own) if own else query.cameras
    cameras = Camera.objects.filter(name__in=names).select_related("encoder__camera")
    return [camera.encoder for camera in cameras if camera.encoder]


def _index(query: SearchQuery, result: SearchResult) -> dict[str, Any]:
    """Return which encoders and which footage answered a query.

    version is the SHA-256 over the checksums of the shards that were searched: where it is the
    same, so is the ranking.
    """
    encoders = _encoders(query)
    shards = Shard.objects.filter(encoder__in=encoders)
    if query.recordings:
        shards = shards.filter(chunk__recording__in=query.recordings)
    digest = hashlib.sha256()
    clips: dict[int, int] = {}
    columns = ("chunk__recording", "chunk__start_s", "clips", "sha256")
    ordered = shards.order_by("encoder", *columns[:2]).values_list(*columns)
    for recording, _, count, checksum in ordered.iterator():
        clips[recording] = clips.get(recording, 0) + count
        digest.update(checksum.encode())
    names = Recording.objects.in_bulk(list(clips))
    return {
        "version": digest.hexdigest(),
        "clips": result.clips_searched,
        "encoders": [encoder_facts(encoder) for encoder in encoders],
        "recordings": [[number, names[number].name, count] for number, count in clips.items()],
    }


def encoder_facts(encoder: Encoder) -> dict[str, Any]:
    """Return what names an encoder after it has been deleted."""
    return {"id": encoder.pk, "name": str(encoder), "sha256": encoder.sha256}


def replay(saved: SavedSearch, *, now: bool = False) -> Replay:
    """Ask a saved search again, by the encoder of then where it still can, else by that in use.

    With ``now`` the encoder in use is asked in any case.
    """
    query, held = question(saved), [] if now else _held(saved)
    if saved.recording is None:
        gone = "The recording of the query was deleted, so only what was found then can be shown."
        return _unanswered(saved, gone)
    try:
        result = search(replace(query, encoder_id=held[0].pk) if held else query)
    except SearchError as error:
        return _unanswered(saved, error.sentence)
    index, found = _index(result.query, result), _rows(result.hits)
    return Replay(
        rows=_side_by_side(saved.hits, found),
        same=_places(saved.hits) == _places(found),
        changes=(*_encoder_changes(saved, query), *_footage_changes(saved.index, index)),
        encoder=Encoder.objects.select_related("camera").get(pk=result.encoder_id),
        result=result,
        problem="",
    )


def _unanswered(saved: SavedSearch, problem: str) -> Replay:
    rows = tuple(Row(hit, None) for hit in saved.hits)
    return Replay(rows, same=False, changes=(), encoder=None, result=None, problem=problem)


def _held(saved: SavedSearch) -> list[Encoder]:
    """Return the encoder of then, where it alone answered and still has its embeddings."""
    query, encoder = question(saved), saved.encoder
    alone = len(saved.index["encoders"]) == 1 and encoder is not None
    if not alone or encoder is None or encoder.state != Encoder.State.BUILT:
        return []
    return [encoder] if not set(query.cameras) - {encoder.camera.name} else []


def _encoder_changes(saved: SavedSearch, query: SearchQuery) -> list[str]:
    """Say which encoders answered then, and which are in use now, where that differs."""
    then = saved.index["encoders"]
    in_use = _encoders(query)
    if {each["id"] for each in then} == {each.pk for each in in_use}:
        return []
    before, after = (_listed(names) for names in ([e["name"] for e in then], map(str, in_use)))
    said = [f"The encoder has changed: then {before}, now {after or 'none'} is in use."]
    if not _held(saved):
        said.append(
            "The embeddings of then are gone, so the ranking below is by the encoder in use; its "
            "distances cannot be compared with those of then."
        )
    return said


def _footage_changes(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say what of the footage came or went since."""
    if then["version"] == now["version"]:
        return []
    before = {number: (name, clips) for number, name, clips in then["recordings"]}
    after = {number: (name, clips) for number, name, clips in now["recordings"]}
    if before == after:
        return (
            [] if then["encoders"] != now["encoders"] else ["The same footage was embedded anew."]
        )
    said = [
        f"The footage has changed: then {then['clips']:,} clips of {_recordings(before)} were "
        f"searched, now {now['clips']:,} of {_recordings(after)}."
    ]
    for what, numbers in (
        ("Added since", after.keys() - before.keys()),
        ("Deleted since", before.keys() - after.keys()),
        ("Longer or shorter now", {n for n in before.keys() & after if before[n] != after[n]}),
    ):
        if numbers:
            said.append(f"{what}: {_listed((before | after)[n][0] for n in sorted(numbers))}.")
    return said


def _recordings(found: dict[int, tuple[str, int]]) -> str:
    return f"{len(found):,} recording{'' if len(found) == 1 else 's'}"


def _listed(names: Any) -> str:
    """Return some names, and how many there are beside them."""
    every = list(names)
    more = len(every) - MOST_NAMES
    return ", ".join(every[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _places(hits: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(hit["recording"], hit["second"]) for hit in hits]


def _side_by_side(then: list[dict[str, Any]], now: list[dict[str, Any]]) -> tuple[Row, ...]:
    """Return the moments of now in their order, then those that are found no more."""
    before = dict(zip(_places(then), then, strict=True))
    after = set(_places(now))
    rows = [Row(before.get(place), hit) for place, hit in zip(_places(now), now, strict=True)]
    rows += [Row(hit, None) for place, hit in before.items() if place not in after]
    return tuple(rows)
