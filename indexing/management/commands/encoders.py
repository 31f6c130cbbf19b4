"""The registry of encoders: list, show, compare, put in use, delete, take out and in as a file."""

import time
from argparse import SUPPRESS
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from indexing.encoders import exchange, registry
from indexing.encoders.registry import Entry
from indexing.encoders.switching import OPEN, embedded
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure, Misuse, camera, check_file, second
from indexing.models import Encoder, Job, Work
from indexing.search.comparison import Comparison, compare
from indexing.search.query import SearchQuery
from indexing.search.ranking import SearchResult
from indexing.work.progress import Progress
from indexing.work.waiting import POLL_S, WorkerDied, attended

ACTIONS = {
    "list": "all of them, the newest first",
    "show": "everything known of one, as JSON",
    "compare": "two side by side, also on the same query",
    "build": "embed all footage by one without using it",
    "activate": "put one in use, any one, at any time",
    "delete": "delete one that is not in use",
    "export": "write one to a file",
    "import": "read one from a file; it is not put in use",
}
WAITING = ("build", "activate", "compare")


class Command(BaseCommand):
    help = "List, show, compare, put in use, delete, export and import encoders."

    def arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="|".join(ACTIONS))
        own = {name: actions.add_parser(name, help=text) for name, text in ACTIONS.items()}
        own["list"].add_argument("--camera", help="of this camera alone")
        for name in ("show", "build", "activate", "delete", "export"):
            own[name].add_argument("encoder", type=int)
        own["compare"].add_argument("left", type=int)
        own["compare"].add_argument("right", type=int)
        own["compare"].add_argument("recording", type=int, nargs="?", help="the query's recording")
        own["compare"].add_argument("second", type=second, nargs="?", help="and its second")
        own["export"].add_argument("file", type=Path)
        own["import"].add_argument("file", type=Path)
        own["import"].add_argument("--camera", required=True, help="whose encoder it becomes")
        for name in WAITING:
            own[name].add_argument("--wait", action="store_true", help="until all is embedded")
        for one in own.values():
            # The parser above it has already set the option where it stood before the action.
            one.add_argument("--json", action="store_true", default=SUPPRESS)

    def handle(self, *, action: str, **options: Any) -> None:
        document, lines = getattr(self, f"_{action}")(options)
        self.answer(document, lines, as_json=bool(options["json"]))

    def _list(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        found = registry.entries(camera(options["camera"]) if options["camera"] else None)
        document = {"encoders": [registry.document(one.encoder) for one in found]}
        return document, table(found) or ["There are no encoders yet; ingest a recording."]

    def _show(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        encoder = registry.find(options["encoder"])
        return registry.document(encoder), portrait(encoder)

    def _compare(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        sides = registry.find(options["left"]), registry.find(options["right"])
        if (options["recording"] is None) != (options["second"] is None):
            raise Misuse("A query is a recording and a second.")
        query = None
        if options["recording"] is not None:
            query = SearchQuery(options["recording"], options["second"])
            for encoder in sides if options["wait"] else ():
                self._wait(registry.build(encoder))
        compared = compare(*sides, query)
        return comparison(compared), side_by_side(compared)

    def _build(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        return self._begun(options, registry.build)

    def _activate(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        return self._begun(options, registry.activate)

    def _begun(self, options: dict[str, Any], begin: Any) -> tuple[Any, list[str]]:
        """Begin what a job may have to finish, and with --wait see it finished."""
        job = begin(registry.find(options["encoder"]))
        if options["wait"]:
            self._wait(job)
        encoder = registry.find(options["encoder"])
        return registry.document(encoder), [standing(registry.entry(encoder))]

    def _wait(self, job: Job | None) -> None:
        """Follow a job that embeds all footage by an encoder, to its end.

        Raises:
            Failure: it failed, or there is no worker to do it.
        """
        if job is None or job.encoder is None:
            return
        listed = registry.entry(job.encoder)
        progress = Progress(f"Embedding by encoder {job.encoder.pk}", listed.clips_total, "clips")
        try:
            with attended() as check:
                while job.state in OPEN:
                    check()
                    progress.update(min(embedded(job.encoder), listed.clips_total))
                    time.sleep(POLL_S)
                    job.refresh_from_db()
        except WorkerDied as error:
            raise Failure(str(error)) from error
        except Job.DoesNotExist:
            raise Failure("Another encoder was put in use meanwhile.") from None
        if job.state == Work.State.FAILED:
            raise Failure(job.error)

    def _delete(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        encoder = registry.find(options["encoder"])
        registry.delete(encoder)
        return {"deleted": options["encoder"]}, [f"Encoder {options['encoder']} is deleted."]

    def _export(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        encoder, path = registry.find(options["encoder"]), options["file"]
        if path.is_dir() or not path.parent.is_dir():
            raise Failure(f"{path} is not a name for a file in a folder that exists.")
        file = exchange.write_encoder(encoder, path)
        document = {"encoder": encoder.pk, "file": str(path), "sha256": file.sha256}
        return document, [f"Encoder {encoder.pk} is in {path} ({file.size / 1e6:.1f} MB)."]

    def _import(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        path: Path = options["file"]
        check_file(path)
        with path.open("rb") as stream:
            encoder = exchange.read_encoder(
                stream, camera=camera(options["camera"]), name=path.name
            )
        lines = [
            f"It is encoder {encoder.pk} of {encoder.camera} now; "
            f"“manage.py encoders activate {encoder.pk}” puts it in use."
        ]
        return registry.document(encoder), lines


def standing(listed: Entry) -> str:
    """Say in a line whether an encoder is in use and how much it has embedded."""
    name = f"Encoder {listed.encoder.pk} of {listed.encoder.camera}"
    if listed.in_use:
        return f"{name} is in use."
    count = f"{listed.clips_embedded:,} of {listed.clips_total:,} clips"
    if listed.job and listed.job.switch:
        return f"{name} comes into use when all is embedded by it: {count} so far."
    return f"{name} is not in use; {count} are embedded by it."


def table(found: list[Entry]) -> list[str]:
    """Return the list of encoders for people."""
    if not found:
        return []
    head = f"{'id':>5}  {'camera':<20}  {'version':>7}  {'kind':<8}  {'method':<12}  embedded"
    return [head] + [
        f"{one.encoder.pk:>5}  {one.encoder.camera.name:<20.20}  {one.encoder.version:>7}  "
        f"{one.encoder.get_kind_display():<8}  {one.encoder.method or '-':<12}  "
        f"{one.clips_embedded:,} of {one.clips_total:,}{'  in use' if one.in_use else ''}"
        for one in found
    ]


def portrait(encoder: Encoder) -> list[str]:
    """Say what is known of one encoder."""
    known = registry.document(encoder)
    lines = [
        standing(registry.entry(encoder)),
        f"Kind: {known['kind']}, version {known['version']}, made {known['created_at']}.",
        f"Trunk weights: {known['trunk'] or 'none used'}. Fitted on {known['fitted_on']:,} clips.",
        f"File: {known['file']['size']:,} bytes, SHA-256 {known['file']['sha256']}.",
    ]
    if encoder.method:
        lines.insert(2, f"Method: {encoder.method}, seed {encoder.seed}.")
    lines += [f"Footage: {r['name']}, {r['clips']:,} clips." for r in data_of(encoder)]
    lines += [f"{name}: {shown(value)}" for name, value in encoder.metrics.items()]
    if encoder.curves:
        last = encoder.curves[-1]
        lines.append(f"Epochs: {len(encoder.curves)}; loss at the end {shown(last.get('loss'))}.")
    return lines + [text for text in (encoder.note, encoder.origin) if text]


def data_of(encoder: Encoder) -> list[dict[str, Any]]:
    """Return the recordings that an encoder was trained on."""
    return [
        one
        for one in encoder.data.get("recordings", [])
        if isinstance(one, dict) and {"name", "clips"} <= one.keys()
    ]


def shown(value: Any) -> str:
    """Return a metric for people."""
    return f"{value:.4f}" if isinstance(value, float) else "-" if value is None else str(value)


def comparison(compared: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON."""
    document: dict[str, Any] = {
        "left": compared.left,
        "right": compared.right,
        "metrics": [{"name": m.name, "left": m.left, "right": m.right} for m in compared.metrics],
    }
    if compared.results:
        left, right = compared.results
        document["hits"] = {"left": hits(left), "right": hits(right)}
        document["shared_hits"] = compared.shared_hits
    return document


def hits(result: SearchResult) -> list[dict[str, Any]]:
    """Return what one encoder found."""
    return [
        {
            "rank": hit.rank,
            "recording": hit.recording_id,
            "second": hit.second,
            "percentile": hit.percentile,
        }
        for hit in result.hits
    ]


def side_by_side(compared: Comparison) -> list[str]:
    """Return a comparison as two columns for people."""
    left, right = compared.left, compared.right
    rows = [("", f"encoder {left['encoder']}", f"encoder {right['encoder']}")]
    rows += [(key, shown(left[key]), shown(right[key])) for key in ("kind", "method", "seed")]
    rows += [(m.name, shown(m.left), shown(m.right)) for m in compared.metrics]
    if compared.results:
        one, other = compared.results
        for rank in range(max(len(one.hits), len(other.hits))):
            rows.append((f"hit {rank + 1}", moment_of(one, rank), moment_of(other, rank)))
        rows.append(("found by both", str(compared.shared_hits), ""))
    return [f"{name:<28}  {a:<22}  {b}".rstrip() for name, a, b in rows]


def moment_of(result: SearchResult, rank: int) -> str:
    """Return where a hit lies, or a dash where there is none of this rank."""
    if rank >= len(result.hits):
        return "-"
    hit = result.hits[rank]
    return f"{hit.recording_id} at {hit.second} s"
