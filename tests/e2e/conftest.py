"""A running Reprise with one real recording, and a real Chromium that tolerates no complaint."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
SECONDS = 72

# How long to wait at most, on a machine that does other things as well.
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class Site:
    """A Reprise that runs in processes of its own."""

    url: str
    passwords: dict[str, str]
    recording: int
    data: Path


def _manage(data: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=_environment(data),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _environment(data: Path) -> dict[str, str]:
    return {**os.environ, "REPRISE_DATA": str(data), "OMP_NUM_THREADS": "1"}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz") as answer:  # noqa: S310  (our own server)
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def site(
    tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path]
) -> Iterator[Site]:
    """Start a server on a data root of its own, with a recording that was really ingested."""
    if not CHROMIUM.exists():
        pytest.skip("there is no Chromium at /usr/bin/chromium")
    data = tmp_path_factory.mktemp("reprise")
    _manage(data, "migrate", "-v0")
    accounts = json.loads(_manage(data, "accounts", "--json"))["accounts"]
    video = str(make_video(SECONDS))
    arguments = (video, "--camera", "North gate", "--start", "2026-07-01T10:00:00+00:00")
    ingested = json.loads(_manage(data, "ingest", *arguments, "--wait", "--json"))
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "searchapp.wsgi"),
            *("--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"),
        ],
        env=_environment(data),
        cwd=ROOT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while not _answers(url) and server.poll() is None:
            time.sleep(0.1)
        yield Site(url, {a["name"]: a["password"] for a in accounts}, ingested["recording"], data)
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium; ended with each file, for Playwright's event loop forbids Django its database."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture(params=sorted(SIZES))
def page(request: pytest.FixtureRequest, site: Site, browser: Browser) -> Iterator[Page]:
    """A page of each size, signed in as admin; any error in its console fails the test."""
    width, height = SIZES[request.param]
    context = browser.new_context(
        base_url=site.url, viewport={"width": width, "height": height}, locale="en-GB"
    )
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    shown.on("console", listen)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto("/sign-in")
    shown.get_by_label("Name").fill("admin")
    shown.get_by_label("Password").fill(site.passwords["admin"])
    shown.get_by_role("button", name="Sign in").click()
    shown.wait_for_url("/")
    yield shown
    assert complaints == []
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    context.close()
