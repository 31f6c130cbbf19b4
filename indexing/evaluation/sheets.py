"""Contact sheets: what a search found and what was flagged, like the paper's Figures 6 and 5."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 200, 112
MARGIN, LINE = 8, 16
NAMES = 150
RIGHT, WRONG, QUERY = (0, 114, 178), (213, 94, 0), (60, 60, 60)
QUALITY = 80


@dataclass(frozen=True)
class Picture:
    """One second's frame, what is written under it, and how it is framed."""

    jpeg: bytes
    caption: str
    right: bool | None  # None for a query


@dataclass(frozen=True)
class Line:
    """One row of a sheet: a system's name and its pictures."""

    name: str
    pictures: Sequence[Picture]


def sheet(path: Path, title: str, lines: Sequence[Line]) -> None:
    """Write rows of framed pictures: blue and a tick for right, orange and a cross for wrong."""
    columns = max((len(line.pictures) for line in lines), default=1)
    cell = HEIGHT + LINE + MARGIN
    size = (NAMES + columns * (WIDTH + MARGIN) + MARGIN, 2 * LINE + len(lines) * cell + MARGIN)
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(12)
    draw.text((MARGIN, MARGIN), title, fill="black", font=font)
    for row, line in enumerate(lines):
        top = 2 * LINE + row * cell
        draw.multiline_text(
            (MARGIN, top + HEIGHT // 2 - 8), _folded(line.name), fill="black", font=font
        )
        for column, picture in enumerate(line.pictures):
            place = (NAMES + column * (WIDTH + MARGIN), top)
            _place(image, draw, picture, place, font)
    image.save(path, "JPEG", quality=QUALITY, optimize=True)


def _place(
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    picture: Picture,
    place: tuple[int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x, y = place
    with Image.open(io.BytesIO(picture.jpeg)) as frame:
        image.paste(frame.convert("RGB").resize((WIDTH, HEIGHT)), place)
    colour = QUERY if picture.right is None else RIGHT if picture.right else WRONG
    draw.rectangle((x, y, x + WIDTH - 1, y + HEIGHT - 1), outline=colour, width=4)
    if picture.right is not None:
        _mark(draw, (x + WIDTH - 22, y + 6), colour, right=picture.right)
    draw.text((x, y + HEIGHT + 1), picture.caption, fill="black", font=font)


def _mark(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], colour: tuple[int, int, int], *, right: bool
) -> None:
    """A tick or a cross on white, for who does not see the colours."""
    x, y = place
    draw.rectangle((x, y, x + 15, y + 15), fill="white")
    if right:
        draw.line([(x + 3, y + 8), (x + 6, y + 12), (x + 12, y + 3)], fill=colour, width=3)
    else:
        draw.line([(x + 3, y + 3), (x + 12, y + 12)], fill=colour, width=3)
        draw.line([(x + 3, y + 12), (x + 12, y + 3)], fill=colour, width=3)


def _folded(name: str) -> str:
    """A long name on several lines."""
    lines = [""]
    for word in name.split():
        if len(lines[-1]) + len(word) > 18:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def caption(second: int, kinds: Sequence[str]) -> str:
    """When a second is, and what truly happens in it."""
    happens = ", ".join(kind.replace("_", " ") for kind in kinds) or "ordinary"
    return f"{second // 60}:{second % 60:02d} {happens}"[:34]
