"""The way of a person from a camera's starter to an encoder trained on its footage, and back."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Site

pytestmark = pytest.mark.e2e

# A training of a few epochs, on a machine that does other things as well.
PATIENCE_MS = 150_000


def manage(site: Site, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment(site),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def environment(site: Site) -> dict[str, str]:
    return {**os.environ, "REPRISE_DATA": str(site.data), "OMP_NUM_THREADS": "1"}


def footage(site: Site, camera: str) -> int:
    """Give a camera eleven minutes of footage and return the recording's number."""
    code = f"from tests.e2e.yard import make; print(make({camera!r}, seed={len(camera)}))"
    return int(manage(site, "shell", "-v0", "-c", code))


@pytest.fixture(scope="module")
def worker(site: Site) -> Iterator[None]:
    """A worker beside the server, in processes of its own."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "worker"],
        env=environment(site),
        cwd=ROOT,
        start_new_session=True,
    )
    yield
    process.terminate()
    process.wait()


def test_a_camera_is_trained_judged_switched_and_compared(
    page: Page, site: Site, worker: None
) -> None:
    camera = f"Yard {page.evaluate('innerWidth')}"
    recording = footage(site, camera)
    address = f"/encoders?camera={camera}"
    train_by_keyboard(page, address)
    pause_and_go_on(page)
    watch_to_the_end(page)
    switch_and_roll_back(page)
    compare_from_a_search(page, recording)


def train_by_keyboard(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_text("11 min of footage are ready to learn from")).to_be_visible()
    page.locator(".settings summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name=re.compile("Consensus"))).to_be_focused()
    page.get_by_label(re.compile("Epochs")).fill("2")
    page.get_by_role("button", name="Train").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".course")).to_contain_text("started by admin")


def pause_and_go_on(page: Page) -> None:
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".course")).to_contain_text("Paused after")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def watch_to_the_end(page: Page) -> None:
    """The page renews itself until the training has ended, and draws what it has learnt."""
    number = re.search(r"\d+", page.locator(".course h3").inner_text())
    assert number
    page.goto(f"/trainings/{number[0]}")
    outcome = page.locator(".outcome")
    expect(outcome).to_contain_text("encoder", timeout=PATIENCE_MS)
    expect(outcome).to_contain_text("done")
    expect(page.locator(".checks")).to_contain_text("Neighbours found, picture")
    expect(page.locator(".curve-plot path.curve-line")).to_have_count(3)
    loss = page.get_by_role("img", name=re.compile("Loss at epoch"))
    label = re.search(r"\d+", loss.get_attribute("aria-label") or "")
    assert label
    last = int(label[0])
    assert last >= 2
    loss.focus()
    page.keyboard.press("ArrowLeft")
    expect(loss).to_have_attribute("aria-label", re.compile(f"at epoch {last - 1}:"))
    expect(page.locator(".curve-says")).to_contain_text(f"Epoch {last - 1} of {last}")
    page.get_by_text("Every epoch in numbers").click()
    expect(page.locator(".curve-numbers tbody tr")).to_have_count(last)


def switch_and_roll_back(page: Page) -> None:
    """From whichever is in use to the trained encoder, and back to the one before."""
    page.locator(".outcome").get_by_role("link", name=re.compile("Encoder")).click()
    page.wait_for_url(re.compile("/encoders/"))
    trained = page.url
    rival = re.search(r"left=(\d+)", page.locator("#compare").get_attribute("href") or "")
    assert rival
    for address in (trained, f"/encoders/{rival[1]}"):
        page.goto(address)
        button = page.get_by_role("button", name="Put in use")
        if button.is_visible():
            button.click()
        expect(page.get_by_text("In use: searches on")).to_be_visible(timeout=PATIENCE_MS)


def compare_from_a_search(page: Page, recording: int) -> None:
    page.goto(f"/search?recording={recording}&second=90&exclusion=10&k=10")
    page.get_by_role("link", name="Compare with another encoder").click()
    expect(page.get_by_text("The same moment under both").last).to_be_visible()
    columns = page.locator(".picks")
    expect(columns).to_have_count(2)
    for column in columns.all():
        expect(column.locator(".pick")).to_have_count(10)
    main = page.locator("main").inner_text()
    said = re.search(r"(\d+) of 10 hits in common|No hit in common", main)
    assert said
    expect(columns.first.locator(".pick.common")).to_have_count(int(said[1] or 0))


def test_an_encoder_is_exported_and_imported(page: Page, site: Site) -> None:
    listed = json.loads(manage(site, "encoders", "list", "--json"))
    number = next(each["encoder"] for each in listed["encoders"] if each["camera"] == "North gate")
    page.goto(f"/encoders/{number}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    path = download.value.path()
    assert path.stat().st_size > 1000
    page.goto("/encoders?camera=North gate")
    page.get_by_text("Import an encoder").click()
    page.set_input_files("[name=file]", str(path))
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("status")).to_contain_text("is here already")


def test_the_encoders_are_a_keystroke_away(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="Encoders", exact=True)).to_be_visible()
    expect(page.get_by_text("so 8 min 48 s more are needed.")).to_be_visible()
