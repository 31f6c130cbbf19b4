"""The way of a person from a search that is saved and asked again to a case and its evidence."""

import json
import os
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.test_encoders_pages import PATIENCE_MS
from tests.e2e.test_encoders_pages import worker as worker

pytestmark = pytest.mark.e2e


def looked_at(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody asks for pictures."""
    if folder := os.environ.get("REPRISE_PICTURES"):
        width = page.evaluate("innerWidth")
        page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)


def test_a_search_is_saved_asked_again_and_stands(page: Page, site: Site) -> None:
    name = f"Stripes at {page.evaluate('innerWidth')}"
    page.goto(f"/search?recording={site.recording}&second=20&exclusion=5&k=5")
    page.locator(".save-search summary").click()
    page.get_by_label("Save this search as").fill(name)
    looked_at(page, "save")
    page.locator(".save-search").get_by_role("button", name="Save").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_text("The ranking is the same as when it was saved")).to_be_visible()
    expect(page.locator(".hit")).to_have_count(5)
    looked_at(page, "saved")

    page.get_by_text("How near, and how to tell you").click()
    past = page.locator("#past")
    expect(past).to_contain_text("It would have given")
    before = past.inner_text()
    page.get_by_label("Threshold").fill("60")
    expect(past).not_to_have_text(before)
    page.get_by_role("button", name="Let it stand").click()
    expect(page.get_by_role("heading", name="It stands")).to_be_visible()
    looked_at(page, "standing")
    page.get_by_role("button", name="Stop standing").click()
    expect(page.get_by_role("heading", name="Let it stand")).to_be_visible()

    page.get_by_label("Kept: cases, bookmarks and saved searches").click()
    looked_at(page, "menu")
    page.get_by_role("link", name="Saved searches").first.click()
    expect(page.get_by_role("link", name=name)).to_be_visible()
    looked_at(page, "saved-list")
    page.get_by_label(re.compile("Notifications, 0 unread")).click()
    expect(page.get_by_text("Nothing has been found yet.")).to_be_visible()


def test_moments_make_a_case_and_a_case_makes_evidence(
    page: Page, site: Site, worker: None, tmp_path: Path
) -> None:
    title = f"Case at {page.evaluate('innerWidth')}"
    page.goto(f"/search?recording={site.recording}&second=20&exclusion=5&k=5")
    hit = page.locator(".hit").first
    hit.get_by_text("More", exact=True).click()
    hit.get_by_text("Keep", exact=True).click()
    hit.get_by_label("Keep this moment").select_option("new")
    hit.get_by_label("Title of the case").fill(title)
    looked_at(page, "keep")
    hit.get_by_role("button", name="Keep").click()
    expect(hit.locator(".keep-said")).to_contain_text("is in")

    page.goto(f"/recordings/{site.recording}?t=30")
    page.keyboard.press("ArrowRight")
    page.locator(".desk-side").get_by_text("Keep", exact=True).click()
    page.get_by_label("Keep this moment").select_option(label=f"in {title}")
    page.locator(".keep").get_by_role("button", name="Keep").click()
    looked_at(page, "keep-recording")
    page.locator(".keep-said").get_by_role("link", name=title).click()

    expect(page.locator(".kept-row")).to_have_count(2)
    expect(page.locator(".kept-row").last).to_contain_text("10:00:31")
    page.get_by_label("Note on moment 2").fill("It turns here.")
    page.locator(".kept-row").last.get_by_role("button", name="Save").click()
    page.get_by_label("Move moment 2 up").click()
    expect(page.get_by_label("Note on moment 1")).to_have_value("It turns here.")
    page.get_by_label("Remove moment 2").click()
    expect(page.locator(".kept-row")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".kept-row")).to_have_count(2)
    looked_at(page, "case")

    page.get_by_role("link", name="Export evidence").click()
    page.get_by_label("Before each moment").select_option("2")
    expect(page.locator("#previews")).to_contain_text("10:00:29")
    looked_at(page, "evidence")
    page.get_by_role("button", name="Make the ZIP").click()
    link = page.get_by_role("link", name="Download the ZIP")
    expect(link).to_be_visible(timeout=PATIENCE_MS)
    looked_at(page, "export")
    with page.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    first = manifest["clips"][0]
    assert first["moment"]["note"] == "It turns here."
    assert (first["start_s"], first["end_s"]) == (29, 37)
    page.goto("/cases")
    looked_at(page, "cases")
