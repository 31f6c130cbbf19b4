"""Find every other time something like a moment happened."""

import math
from argparse import ArgumentTypeError
from datetime import datetime
from functools import partial
from typing import Any

from django.core.management.base import CommandParser

from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, Misuse, moment, number, second
from indexing.models import Recording
from indexing.search.query import LONGEST_EXCLUSION_S, MOST_HITS, Clip, SearchQuery, With
from indexing.search.ranking import SearchResult, search


class Command(BaseCommand):
    help = "Rank the other moments by how like the given one they are."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recording", type=int)
        parser.add_argument("second", type=second)
        parser.add_argument(
            "--with", dest="modality", choices=[str(way) for way in With], default="joint"
        )
        parser.add_argument("--audio-weight", type=weight, default=0.5, help="0 to 1, joint only")
        parser.add_argument("-k", type=hits, default=20, help="number of hits")
        parser.add_argument("--exclusion", type=window, default=60, help="window in seconds")
        parser.add_argument("--camera", action="append", default=[], help="search this camera")
        parser.add_argument("--since", type=moment)
        parser.add_argument("--until", type=moment)
        parser.add_argument("--encoder", type=int)
        for name, says in MARKS.items():
            parser.add_argument(
                f"--{name}",
                dest=f"mark_{name}",
                type=clip,
                action="append",
                default=[],
                metavar="RECORDING:SECOND",
                help=says,
            )

    def handle(self, *, recording: int, modality: str, **options: Any) -> None:
        query = SearchQuery(
            recording_id=recording,
            second=options["second"],
            modality=With(modality),
            audio_weight=options["audio_weight"],
            k=options["k"],
            exclusion_s=options["exclusion"],
            cameras=tuple(options["camera"]),
            since=on_clock(options["since"], recording),
            until=on_clock(options["until"], recording),
            encoder_id=options["encoder"],
            also=tuple(options["mark_also"]),
            this=tuple(options["mark_this"]),
            not_this=tuple(options["mark_not"]),
        )
        if query.since and query.until and query.since >= query.until:
            raise Misuse("The time range ends before it starts.")
        result = search(query)
        for note in result.notes:
            self.say(note)
        self.answer(document(result), lines(result), as_json=bool(options["json"]))


MARKS = {
    "also": "one more moment of the query; distances are the mean to all",
    "this": "a hit that is meant; all others are ranked anew by that",
    "not": "a hit that is not meant",
}
hits = partial(number, least=1, most=MOST_HITS)
window = partial(number, least=0, most=LONGEST_EXCLUSION_S)


def clip(text: str) -> Clip:
    """Read RECORDING:SECOND."""
    try:
        return Clip.read(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def weight(text: str) -> float:
    """Read the weight of sound."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!r} is not a weight; write a number from 0 to 1.")
    return value


def on_clock(value: datetime | None, recording: int) -> datetime | None:
    """Read a moment without an offset on the clock of the query's camera."""
    if value is None or value.tzinfo:
        return value
    found = Recording.objects.select_related("camera").filter(pk=recording).first()
    if found is None:
        raise Failure(f"There is no recording {recording}.")
    return value.replace(tzinfo=found.camera.tzinfo)


def document(result: SearchResult) -> dict[str, object]:
    """Return the JSON of docs/cli.md."""
    query = result.query
    return {
        "query": place(query.clip),
        "also": [place(each) for each in query.also],
        "this": [place(each) for each in query.this],
        "not": [place(each) for each in query.not_this],
        "encoder": result.encoder_id,
        "exclusion_s": query.exclusion_s,
        "audio_weight": result.audio_weight,
        "hits": [hit.to_json() for hit in result.hits],
    }


def place(found: Clip) -> dict[str, int]:
    """Return a moment as JSON."""
    return {"recording": found.recording_id, "second": found.second}


def lines(result: SearchResult) -> list[str]:
    """Return the hits as a table for people."""
    if not result.hits:
        return ["No other moment was found."]
    head = f"{'rank':>4}  {'at':<25}  {'recording':>9}  {'second':>6}  {'distance':>8}  closer than"
    return [head] + [
        f"{hit.rank:>4}  {hit.at.isoformat():<25}  {hit.recording_id:>9}  {hit.second:>6}  "
        f"{hit.distance:>8.4f}  {hit.percentile:.1f} %"
        for hit in result.hits
    ]
