"""The way of a person from five labels to an event located everywhere, and to a table of labels."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.test_encoders_pages import PATIENCE_MS, footage
from tests.e2e.test_encoders_pages import worker as worker

pytestmark = pytest.mark.e2e

SECONDS = (40, 150, 270, 390, 510)


def test_five_labels_locate_an_event_and_an_answer_teaches_more(
    page: Page, site: Site, worker: None
) -> None:
    wide = page.evaluate("innerWidth") > 1000
    recording = footage(site, f"Labelled {page.evaluate('innerWidth')}")
    for second in SECONDS:
        label(page, recording, second, by_keys=wide)
    expect(page.locator("[data-strip]")).to_be_visible(timeout=PATIENCE_MS)
    take_back_and_label_again(page)
    seek_by_the_strip(page)

    page.get_by_role("link", name=re.compile("what to label next")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("lorry")
    answer(page, by_keys=wide)
    expect(page.locator("#event-state")).to_contain_text("learnt again", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Show what is found now").click()
    expect(page.locator(".label-row")).to_have_count(6)
    starts = exported(page)
    assert len(starts) == 6
    assert set(starts) > set(SECONDS)


def label(page: Page, recording: int, second: int, *, by_keys: bool) -> None:
    """Label three seconds; the event's name has to be written once only."""
    page.goto(f"/recordings/{recording}?t={second}")
    name = page.get_by_label("The event to label")
    if second == SECONDS[0]:
        name.fill("lorry")
        name.blur()
    else:
        expect(name).to_have_value("lorry")
    mark(page, by_keys=by_keys)
    expect(page.locator("[data-mark-hint]")).to_contain_text("It started at")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    mark(page, by_keys=by_keys)
    expect(page.locator(".said")).to_contain_text("lorry was labelled.")


def mark(page: Page, *, by_keys: bool) -> None:
    if by_keys:
        page.keyboard.press("e")
    else:
        page.locator("[data-mark]").click()
        page.locator("[data-mark]").blur()


def take_back_and_label_again(page: Page) -> None:
    labels = page.locator(".label-row")
    expect(labels).to_have_count(5)
    labels.last.get_by_role("button", name="Delete this label").click()
    expect(labels).to_have_count(4)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-strip]")).to_be_visible(timeout=PATIENCE_MS)


def seek_by_the_strip(page: Page) -> None:
    strip = page.locator("[data-strip]")
    box = strip.bounding_box()
    assert box
    strip.click(position={"x": box["width"] / 2, "y": 5})
    slider = page.locator(".lane-whole [role=slider]")
    assert abs(int(slider.get_attribute("aria-valuenow") or -1) - 330) <= 5


def answer(page: Page, *, by_keys: bool) -> None:
    first = page.locator("answer-desk .answer").first
    if by_keys:
        page.keyboard.press("y")
    else:
        first.get_by_role("button", name="Yes").click()
    expect(first.locator(".said")).to_contain_text("lorry")


def exported(page: Page) -> list[int]:
    with page.expect_download() as download:
        page.get_by_role("link", name="Export labels").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "recording,event,start_s,end_s,note"
    return [int(line.split(",")[2]) for line in lines[1:]]
