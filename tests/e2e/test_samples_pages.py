"""Somebody sends a file of their own, chooses its moment, and finds when that happened."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import SECONDS, Site, _manage
from tests.e2e.test_accessibility import sign_in

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def clip(make_video: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds of the site's recording, encoded anew."""
    path = tmp_path_factory.mktemp("samples") / "phone.mp4"
    source = str(make_video(SECONDS))
    cut = ("-ss", "40", "-t", "5", "-i", source, "-s", "160x90", "-crf", "32")
    subprocess.run(["ffmpeg", "-v", "error", *cut, str(path)], check=True)
    return path


def test_a_file_is_sent_its_moment_chosen_and_found(page: Page, site: Site, clip: Path) -> None:
    path = clip.with_name(f"{page.evaluate('innerWidth')}-{clip.name}")
    path.write_bytes(clip.read_bytes() + path.name.encode())  # each width sends another
    page.goto("/search")
    page.get_by_label("The file", exact=True).set_input_files(path)
    page.get_by_role("button", name="Use this file").click()
    page.wait_for_url("**/recordings/*")
    expect(page.get_by_role("heading", name=path.name)).to_be_visible()

    _manage(site.data, "sample", str(path), "--wait")
    expect(page.get_by_text("Every second of it can be searched for.")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    page.wait_for_url("**/search?recording=*&second=1")
    expect(page.get_by_text("Your file")).to_be_visible()
    expect(page.locator(".hit").first).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("y")
    expect(page.get_by_role("heading", name="Refined by 1 mark")).to_be_visible()

    page.goto("/search")
    expect(page.locator(".card", has_text=path.name)).to_be_visible()
    page.locator(".card-name a", has_text=path.name).click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete it").click()
    page.wait_for_url("**/search")
    expect(page.locator(".card", has_text=path.name)).to_have_count(0)


def test_a_file_that_cannot_be_taken_is_told_on_the_spot(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    page = browser.new_context(base_url=site.url, locale="en-GB").new_page()
    sign_in(page, "analyst", site.passwords["analyst"])
    page.goto("/search")
    page.get_by_label("The file", exact=True).set_input_files(empty)
    page.get_by_role("button", name="Use this file").click()
    expect(page.get_by_text("is empty: it holds no bytes")).to_be_visible()
    expect(page.get_by_role("button", name="Use this file")).to_be_enabled()
    page.context.close()
