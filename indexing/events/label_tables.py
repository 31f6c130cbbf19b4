"""Labels as tables: CSV of any number of recordings, and Audacity's label tracks of one.

A table comes in as a whole or not at all: the first row that makes no sense refuses it, by its
number. Cells that a spreadsheet would take for a formula go out behind an apostrophe.
"""

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from django.db import transaction

from indexing.clock import read_second
from indexing.events.labels import Draft, LabelError, Made, check, make_all
from indexing.models import Label, LabelChange, Recording

COLUMNS = ("recording", "event", "start_s", "end_s", "note")
NEEDED = COLUMNS[:4]
MOST_BYTES = 10 * 2**20
MOST_ROWS = 100_000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True)
class Imported:
    """How many labels are new, how many stood already, and the changes that undo the import."""

    labels: int
    known: int
    changes: tuple[LabelChange, ...]


def import_csv(data: bytes, *, name: str, made_by: str = "") -> Imported:
    """Take in a table with the columns recording, event, start_s, end_s and note.

    A recording is named by its number, or by its file's name where only one has that name. Seconds
    are whole, or written H:MM:SS; an event "not siren" says that there is no siren.

    Raises:
        LabelError: the table, or one row, makes no sense; nothing was imported.
    """
    drafts = []
    known: dict[str, Recording] = {}
    for number, row in _rows(_text(data, name), name):
        try:
            drafts.append(_draft(row, known))
            check(drafts[-1])
        except LabelError as error:
            raise LabelError(f"Row {number} of {name}: {error.sentence}") from None
    return _import(drafts, name, made_by)


def import_audacity(data: bytes, recording: Recording, *, name: str, made_by: str = "") -> Imported:
    """Take in a label track of Audacity: lines of start, end and label, separated by tabs.

    Its seconds have decimals; every whole second that a label touches is labelled. Lines that
    begin with a backslash, a label's range of frequencies, are left out.

    Raises:
        LabelError: the file, or one line, makes no sense; nothing was imported.
    """
    drafts = []
    for number, line in enumerate(_text(data, name).splitlines(), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        try:
            drafts.append(_audacity(line, recording))
            check(drafts[-1])
        except LabelError as error:
            raise LabelError(f"Line {number} of {name}: {error.sentence}") from None
    return _import(drafts, name, made_by)


def export_csv(labels: Iterable[Label]) -> str:
    """Return labels as a table that `import_csv` reads back to the same labels."""
    out = StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for label in labels:
        place = (label.recording_id, _safe(label.name), label.start_s, label.end_s)
        table.writerow((*place, _safe(label.note)))
    return out.getvalue()


def export_audacity(labels: Iterable[Label]) -> str:
    """Return one recording's labels as a label track of Audacity; it has no room for notes."""
    return "".join(f"{label.start_s:.6f}\t{label.end_s:.6f}\t{label.name}\n" for label in labels)


def _import(drafts: list[Draft], name: str, made_by: str) -> Imported:
    """Make the labels camera by camera, all or none."""
    if not drafts:
        raise LabelError(f"{name} holds no labels.")
    cameras: dict[int, list[Draft]] = {}
    for number, draft in enumerate(drafts):
        if number >= MOST_ROWS:
            raise LabelError(f"{name} has more than {MOST_ROWS:,} rows; split it.")
        cameras.setdefault(draft.recording.camera_id, []).append(draft)
    with transaction.atomic():
        made = [
            make_all(some, made_by=made_by, sentence=f"Labels were imported from {name}.")
            for some in cameras.values()
        ]
    return _counted(made)


def _counted(made: list[Made]) -> Imported:
    changes = tuple(one.change for one in made if one.change)
    return Imported(sum(len(m.labels) for m in made), sum(m.known for m in made), changes)


def _text(data: bytes, name: str) -> str:
    """Return the text of a file; a byte order mark, as spreadsheets write it, is no part of it."""
    if len(data) > MOST_BYTES:
        raise LabelError(f"{name} is larger than {MOST_BYTES // 2**20} MiB; split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        raise LabelError(f"{name} is not text in UTF-8; save it as text in UTF-8.")
    return text


def _rows(text: str, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows below the header with the number of the line each ends on."""
    head = text.split("\n", 1)[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    table = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [cell.strip().lower() for cell in next(table, [])]
        if lacking := [column for column in NEEDED if column not in header]:
            raise LabelError(
                f"{name} has no column {lacking[0]}; its first row must name the columns "
                f"{', '.join(COLUMNS)}."
            )
        for cells in table:
            if any(cell.strip() for cell in cells):
                if len(cells) > len(header):
                    raise LabelError(
                        f"Row {table.line_num} of {name}: It has {len(cells)} cells, more than "
                        f"there are columns; put quotes around a text with commas."
                    )
                yield table.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise LabelError(f"Row {table.line_num} of {name}: It is no CSV ({error}).") from None


def _draft(row: dict[str, str], known: dict[str, Recording]) -> Draft:
    """Read one row of a CSV."""
    wanted = row.get("recording", "").strip()
    if wanted not in known:
        known[wanted] = _recording(_plain(wanted))
    return Draft(
        recording=known[wanted],
        name=_plain(row.get("event", "")),
        start_s=_second(row.get("start_s", ""), "start_s"),
        end_s=_second(row.get("end_s", ""), "end_s"),
        note=_plain(row.get("note", "")),
    )


def _recording(wanted: str) -> Recording:
    """Return a recording by its number, or by its name."""
    rows = Recording.objects.select_related("camera")
    if wanted.isdecimal() and len(wanted) < 18:
        found = rows.filter(pk=int(wanted)).first()
        if found:
            return found
    named = list(rows.filter(name=wanted)[:2]) if wanted else []
    if len(named) > 1:
        raise LabelError(
            f"There are several recordings named {wanted}; write the number of the one you mean."
        )
    if not named:
        raise LabelError(f"There is no recording {wanted or 'without a name'}.")
    return named[0]


def _second(text: str, column: str) -> int:
    try:
        return read_second(text)
    except ValueError as error:
        raise LabelError(f"In {column}, {error}") from None


def _audacity(line: str, recording: Recording) -> Draft:
    """Read one line of a label track."""
    cells = line.split("\t", 2)
    if len(cells) < 3:
        raise LabelError("It is not start, end and label, separated by tabs.")
    times = [_decimal(cell) for cell in cells[:2]]
    start = math.floor(times[0])
    end = max(start + 1, math.ceil(times[1]))
    return Draft(recording, cells[2], start, end)


def _decimal(cell: str) -> float:
    """Read a time with decimals, written with a point or with a comma."""
    try:
        value = float(cell.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and 0 <= value < 10**9):
        raise LabelError(f"{cell.strip()!r} is not a time in seconds.")
    return value


def _safe(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _plain(cell: str) -> str:
    """Return what a cell of `_safe` was made from."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
