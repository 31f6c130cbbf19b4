"""The recordings that are ingested: Crossroads, rendered once and kept under build/."""

import subprocess
import sys
from pathlib import Path

from django.conf import settings

RENDERED_MINUTES = 10
# Copied streams end with a whole packet, a little late: a second more would change the chunks.
MARGIN_S = 0.3


def crossroads(minutes: int) -> Path:
    """Return this much of Crossroads: rendered up to ten minutes, beyond that looped."""
    folder = Path(settings.BASE_DIR) / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"crossroads-{minutes}.mp4"
    if path.exists():
        return path
    part = path.with_name(f"part-{path.name}")
    if minutes == RENDERED_MINUTES:
        sys.stderr.write(f"Rendering {minutes} minutes of Crossroads, once ...\n")
        command = [sys.executable, "manage.py", "crossroads", "--minutes", str(minutes), str(part)]
        subprocess.run(command, cwd=settings.BASE_DIR, check=True, stdout=subprocess.DEVNULL)
    else:
        _cut_or_loop(crossroads(RENDERED_MINUTES), part, minutes)
    part.rename(path)
    return path


def _cut_or_loop(source: Path, out: Path, minutes: int) -> None:
    """Copy the streams over and over, without encoding, up to a length."""
    subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(source)),
            *(
                "-t",
                str(60 * minutes - MARGIN_S),
                "-c",
                "copy",
                "-movflags",
                "+faststart",
                str(out),
            ),
        ],
        check=True,
    )
