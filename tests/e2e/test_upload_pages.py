"""Files on their way in: sent in parts, gone on with after a reload, confirmed, taken in."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Site

pytestmark = pytest.mark.e2e

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def _worker(site: Site) -> Iterator[None]:
    """A worker, which checks what came in."""
    environment = {**os.environ, "REPRISE_DATA": str(site.data), "OMP_NUM_THREADS": "1"}
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker", "--processes", "1"],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    yield
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def padded(film: Path, folder: Path, name: str, megabytes: int) -> Path:
    """The same recording, followed by a box that players skip."""
    path = folder / name
    size = megabytes * 1_000_000
    path.write_bytes(film.read_bytes() + size.to_bytes(4, "big") + b"free" + os.urandom(size - 8))
    return path


def throttle(page: Page) -> None:
    """Let no more than 5 MB a second out of the browser."""
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 5e6}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", limits)


def open_panel(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    if page.locator("upload-zone").is_hidden():
        page.get_by_role("button", name="Add recordings").click()


def row(name: str) -> str:
    return f".arrival:has-text('{name}')"


@pytest.mark.usefixtures("_worker")
def test_three_files_survive_a_reload_and_are_confirmed_at_once(
    page: Page, make_video: Make, tmp_path: Path
) -> None:
    width = page.evaluate("innerWidth")
    film = make_video(2, name="film.mp4", tone=width)
    names = [f"{width}-20260314_081500.mp4", f"{width}-20260314_083000.mp4", f"{width}-GX01.mp4"]
    sizes = (3, 30, 3)
    files = [padded(film, tmp_path, *each) for each in zip(names, sizes, strict=True)]

    throttle(page)
    open_panel(page)
    page.locator(".upload-form").get_by_label("Camera").fill("Yard & gate <2>")
    page.set_input_files("[name=files]", files)
    expect(page.locator("[data-all]")).to_contain_text("files to go")
    second = page.locator(row(names[1]))
    expect(second).to_contain_text("left")
    page.wait_for_function(
        "(row) => row.querySelector('progress').value > 0.5", arg=second.element_handle()
    )
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()

    expect(second).to_contain_text("Choose or drop the same file again to go on")
    offsets = []
    page.on(
        "request",
        lambda request: (
            offsets.append(request.headers.get("upload-offset"))
            if request.method == "PATCH"
            else None
        ),
    )
    page.set_input_files("[name=files]", files[1:])
    told = page.locator(".arrival[data-state=told]")
    expect(told).to_have_count(3, timeout=90_000)
    assert {"8388608", "16777216", "25165824"} & set(offsets[:1]), "it went on where it was"
    assert offsets.count("0") == 1, "only the third file began anew"

    expect(second).to_contain_text("Read from the file's name.")
    expect(second.get_by_label("Start")).to_have_value("2026-03-14T08:30")
    third = page.locator(row(names[2]))
    expect(third).to_contain_text("does not say when it begins")
    third.get_by_label("Camera").fill("Yard & gate <2>")
    third.get_by_label("Start").fill("2026-03-14T09:00:00")
    page.get_by_role("button", name="Take in all 3").click()
    expect(page.locator(".arrival[data-state=finished]")).to_have_count(3)
    expect(page.locator("#library")).to_contain_text("Yard & gate <2>")
    expect(page.locator("#library")).to_contain_text(names[1])

    page.set_input_files("[name=files]", files[0])
    expect(page.locator(".arrival").last).to_contain_text("these very bytes already")
    page.locator(".arrival").last.get_by_role("button", name="Remove").click()
    expect(page.locator(".arrival")).to_have_count(3)


@pytest.mark.usefixtures("_worker")
def test_a_file_is_paused_gone_on_with_and_cancelled(
    page: Page, make_video: Make, tmp_path: Path
) -> None:
    width = page.evaluate("innerWidth")
    film = make_video(2, name="film.mp4", tone=width + 7)
    files = [padded(film, tmp_path, f"{width}-{each}.mp4", 20) for each in ("a", "b")]
    throttle(page)
    open_panel(page)
    page.set_input_files("[name=files]", files)
    page.get_by_role("button", name="Pause all").click()
    expect(page.locator(".arrival[data-state=paused]")).to_have_count(2)
    page.get_by_role("button", name="Resume all").click()
    expect(page.locator("[data-all]")).to_contain_text("2 files to go")
    page.locator(row(f"{width}-b")).get_by_role("button", name="Cancel").click()
    first = page.locator(row(f"{width}-a"))
    expect(first).to_have_attribute("data-state", "told", timeout=90_000)
    first.get_by_role("button", name="Remove").click()
    expect(page.locator(".arrival")).to_have_count(0)


@pytest.mark.usefixtures("_worker")
def test_what_is_dropped_and_is_no_recording_is_refused_with_a_sentence(page: Page) -> None:
    open_panel(page)
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["no film"], "dropped.mp4"));
          transfer.items.add(new File([], "empty.mp4"));
          const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new DragEvent("dragover", options));
          document.body.dispatchEvent(new DragEvent("drop", options));
        }"""
    )
    expect(page.locator(row("empty.mp4"))).to_contain_text("The file is empty.")
    dropped = page.locator(row("dropped.mp4"))
    expect(dropped).to_contain_text("not a video or a sound recording", timeout=90_000)
    dropped.get_by_role("button", name="Remove").click()
    expect(dropped).to_have_count(0)
