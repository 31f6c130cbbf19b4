"""Seeking in a recording of four hours against a plain range request of the same bytes.

Measured: in Chromium, on the recording's page, the time from asking the player for a random second
to its `seeked` event, with the right picture on screen. Reference: from the same page, fetching the
bytes from the keyframe before that picture to the picture's end, which is what a player cannot do
without. Every picture carries its own number, and every five minutes there is a beep, by which the
details tell how far sound and picture lie apart in the copy.
"""

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from indexing.media.preview import make_preview
from indexing.media.probe import probe
from indexing.models import Camera, Recording
from searchapp import services
from tests.benchmarks.ratio import Ratio, spread
from tests.services import free_port

HOURS, QUICK_HOURS = 4.0, 0.1
FPS = 2
SIDE, BITS = 8, 16
# Under the number there is noise, for a file too large to be held by the browser as a whole.
NUMBER_ROWS, NOISE_ROWS, NOISES = 16, 64, 64
RATE = 8000
LOUD = 0.2
BEEP_EVERY_S, BEEP_S = 300, 0.1
SEEKS = 20
GOAL = 1.2
ARRIVES = """async ([time, first, end]) => {
  const video = document.querySelector("video");
  const raw = async () => {
    const began = performance.now();
    const headers = { Range: `bytes=${first}-${end - 1}` };
    await (await fetch(video.currentSrc, { headers, cache: "no-store" })).arrayBuffer();
    return performance.now() - began;
  };
  const seek = async () => {
    const began = performance.now();
    const seeked = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    document.querySelector("review-desk").seek(time);
    await seeked;
    return performance.now() - began;
  };
  // The disk's cache is warm for both: only what the player adds to it is to be seen.
  await raw();
  const sought = await seek();
  const fetched = await raw();
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const { data } = context.getImageData(0, SIDE, canvas.width, 1);
  let number = 0;
  for (let bit = 0; bit < BITS; bit += 1) {
    if (data[4 * (bit * SIDE + SIDE / 2)] > 127) number += 2 ** bit;
  }
  return { sought, fetched, number };
}""".replace("SIDE", str(SIDE)).replace("BITS", str(BITS))


@dataclass(frozen=True)
class Packet:
    """A picture in the file: when it is shown (s), its bytes, and whether decoding begins here."""

    time: float
    first: int
    end: int
    key: bool


def measure(*, quick: bool = False) -> Ratio:
    """Return the time of a seek over that of a plain request, as the middle of twenty."""
    hours = QUICK_HOURS if quick else HOURS
    folder = Path(settings.REPRISE_DATA)
    source = film(folder / "source.mkv", hours)
    copy = folder / "previews" / "long.mp4"
    copy.parent.mkdir(parents=True, exist_ok=True)
    make_preview(source, probe(source), copy, encode=True, threads=1)
    drawn = np.random.default_rng(0)
    moments = drawn.choice(int(3600 * hours) - 1, SEEKS, replace=False).tolist()
    seeks = seek_all(copy, int(3600 * hours), moments)
    sought, fetched = ([one[name] for one in seeks] for name in ("sought", "fetched"))
    return Ratio(
        name="playing",
        unit="ms",
        measured="a seek, to its picture",
        figure=statistics.median(sought),
        reference="its bytes alone",
        reference_figure=statistics.median(fetched),
        goal=GOAL,
        better="at most",
        details={
            "seeks, lowest / middle / highest, ms": spread(sought),
            "requests, lowest / middle / highest, ms": spread(fetched),
            "right pictures": f"{sum(one['right'] for one in seeks)} of {len(seeks)}",
            "index before the data": str(index_first(copy)),
            "beeps after their seconds, ms": spread(offsets(copy, hours)),
        },
    )


def film(path: Path, hours: float) -> Path:
    """Make a film whose pictures carry their number above, in 16 blocks, with beeps."""
    sound = path.with_suffix(".pcm")
    count = int(3600 * hours)
    with sound.open("wb") as file:
        for second in range(count):
            beeps = second % BEEP_EVERY_S == 0 and second > 0
            file.write(_beep() if beeps else bytes(2 * RATE))
    command = [
        *("ffmpeg", "-v", "error", "-y", "-threads", "1"),
        *("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{SIDE * BITS}x{NUMBER_ROWS + NOISE_ROWS}"),
        *("-framerate", str(FPS), "-i", "pipe:0"),
        *("-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", str(sound)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20", "-pix_fmt", "yuv420p"),
        *("-g", "600", "-c:a", "copy", str(path)),
    ]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert child.stdin is not None
    shape = (NOISES, NOISE_ROWS, SIDE * BITS)
    drawn = np.random.default_rng(0)
    # Most of it stays: noise that changes wholly would make every picture a keyframe.
    noises = drawn.integers(0, 200, shape[1:], np.uint8) + drawn.integers(0, 40, shape, np.uint8)
    for number in range(FPS * count):
        bits = 255 * ((number >> np.arange(BITS)) & 1).astype(np.uint8)
        child.stdin.write(np.tile(np.repeat(bits, SIDE), (NUMBER_ROWS, 1)).tobytes())
        child.stdin.write(noises[number % NOISES].tobytes())
    child.stdin.close()
    if child.wait():
        raise AssertionError("The film could not be made.")
    sound.unlink()
    return path


def _beep() -> bytes:
    """A second of sound that begins with a beep."""
    times = np.arange(RATE) / RATE
    wave = 0.5 * np.sin(2 * np.pi * 1000 * times) * (times < BEEP_S)
    return bytes(np.round(32767 * wave).astype("<i2"))


def packets(path: Path) -> list[Packet]:
    """Return the pictures of a file in the order in which they are shown."""
    done = subprocess.run(
        [
            *("ffprobe", "-v", "error", "-select_streams", "v:0", "-of", "json"),
            *("-show_entries", "packet=pts_time,pos,size,flags", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    found = [
        Packet(
            float(p["pts_time"]), int(p["pos"]), int(p["pos"]) + int(p["size"]), "K" in p["flags"]
        )
        for p in json.loads(done.stdout)["packets"]
    ]
    return sorted(found, key=lambda packet: packet.time)


def index_first(path: Path) -> bool:
    """Whether a player finds an MP4's index before its data."""
    with path.open("rb") as file:
        head = file.read(64 * 1024)
    return b"moov" in head and (b"mdat" not in head or head.index(b"moov") < head.index(b"mdat"))


def offsets(path: Path, hours: float) -> list[float]:
    """Return how much later (ms) each beep is heard than the second begins that has it."""
    found = []
    for second in range(BEEP_EVERY_S, int(3600 * hours), BEEP_EVERY_S):
        done = subprocess.run(
            [
                *("ffmpeg", "-v", "error", "-ss", str(second - 1), "-t", "2", "-i", str(path)),
                *("-map", "0:a", "-f", "f32le", "-ar", "16000", "-ac", "1", "pipe:1"),
            ],
            check=True,
            capture_output=True,
        )
        samples = np.abs(np.frombuffer(done.stdout, "<f4"))
        if not (samples > LOUD).any():
            raise AssertionError(f"The beep at second {second} is not heard.")
        found.append(1000 * (int((samples > LOUD).argmax()) / 16000 - 1))
    return found


def seek_all(copy: Path, duration_s: int, moments: list[int]) -> list[dict[str, Any]]:
    """Seek to the first picture of each of these seconds; times in ms, and whether it was right."""
    recording, cookie = _account(copy, duration_s)
    pictures = packets(copy)
    found = []
    with _served() as url, _page(url, cookie) as page:
        page.goto(f"{url}/recordings/{recording}")
        page.wait_for_function("() => document.querySelector('video').readyState >= 2")
        for moment in moments:
            wanted = moment + 0.5 / FPS
            at = max(i for i, packet in enumerate(pictures) if packet.time <= wanted)
            key = max(i for i in range(at + 1) if pictures[i].key)
            one = page.evaluate(ARRIVES, [wanted, pictures[key].first, pictures[at].end])
            found.append({**one, "right": one["number"] == FPS * moment})
    return found


def _account(copy: Path, duration_s: int) -> tuple[int, str]:
    """Return the number of a recording that is played from this copy, and a session's key."""
    call_command("migrate", verbosity=0)
    user, _ = services.create_account(name="player", role="operators")
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    recording = Recording.objects.create(
        camera=Camera.objects.get_or_create(name="Long")[0],
        name=copy.name,
        sha256=str(duration_s),
        size=copy.stat().st_size,
        original=str(copy.relative_to(settings.REPRISE_DATA)),
        playable=str(copy.relative_to(settings.REPRISE_DATA)),
        start=timezone.now(),
        duration_s=duration_s,
        media={"video": {"fps": FPS}, "audio": {}},
        state=Recording.State.READY,
        has_video=True,
        has_audio=True,
    )
    return recording.pk, client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def _served() -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = ["-m", "gunicorn", "searchapp.wsgi", "--bind", url.removeprefix("http://")]
    command += ["--worker-class", "gthread", "--threads", "8", "--log-level", "error"]
    server = subprocess.Popen([sys.executable, *command], cwd=settings.BASE_DIR)
    try:
        while not _answers(url) and server.poll() is None:
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz") as answer:  # noqa: S310  (our own server)
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def _page(url: str, cookie: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context()
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
        yield context.new_page()
        browser.close()
