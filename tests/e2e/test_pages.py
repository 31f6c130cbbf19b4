"""The way of a person through the pages: library, recording, search, upload."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.e2e

FIND = re.compile(r"/search\?recording=\d+&second=\d+")


def second(page: Page) -> int:
    return int(page.locator(".lane-whole [role=slider]").get_attribute("aria-valuenow") or -1)


def played_to(page: Page, selector: str, least: float) -> None:
    page.wait_for_function(
        "([selector, least]) => document.querySelector(selector)?.currentTime > least",
        arg=[selector, least],
    )


def test_the_library_leads_to_the_recording(page: Page, site: Site) -> None:
    card = page.locator(f"#recording-{site.recording}")
    expect(card).to_contain_text("searchable")
    expect(card.locator("img")).to_have_js_property("complete", True)
    card.get_by_role("link", name=re.compile("street")).click()
    expect(page).to_have_url(re.compile(f"/recordings/{site.recording}"))


def test_a_recording_plays_and_seeks_by_every_means(page: Page, site: Site) -> None:
    page.goto(f"/recordings/{site.recording}?t=42")
    expect(page.locator("[data-clock]")).to_have_text("10:00:42")
    page.wait_for_function("document.querySelector('video').readyState >= 2")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert second(page) == 53
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-clock]")).to_have_text("10:00:52")
    expect(page).to_have_url(re.compile("t=52$"))

    page.keyboard.press("Space")
    played_to(page, "video", 52.3)
    page.keyboard.press("l")
    assert page.evaluate("document.querySelector('video').playbackRate") == 2
    page.keyboard.press("k")
    assert page.evaluate("document.querySelector('video').paused")

    track = page.locator(".lane-whole .lane-track")
    box = track.bounding_box()
    assert box
    track.click(position={"x": box["width"] / 2, "y": 10})
    assert abs(second(page) - 36) <= 2
    page.keyboard.press("Home")
    assert second(page) == 0
    page.keyboard.press("j")
    page.keyboard.press("k")


def test_the_timeline_outlives_a_refresh_of_the_progress(page: Page, site: Site) -> None:
    address = f"/recordings/{site.recording}"
    page.goto(address)
    expect(page.locator(".lane-whole .span.searchable")).to_have_count(1)
    page.evaluate(
        "(address) => htmx.ajax('GET', address, {target: '#progress', swap: 'outerHTML'})", address
    )
    expect(page.locator(".lane-whole .span.searchable")).to_have_count(1)
    expect(page.locator(".timeline-key")).to_have_text("searchable")


def test_f_finds_moments_like_the_current_one(page: Page, site: Site) -> None:
    page.goto(f"/recordings/{site.recording}?t=60")
    expect(page.locator(".lane-whole [role=slider]")).to_have_attribute("aria-valuenow", "60")
    page.keyboard.press("f")
    expect(page).to_have_url(f"{site.url}/search?recording={site.recording}&second=60")
    expect(page.locator(".query")).to_contain_text("10:01:00")
    expect(page.locator("#results")).to_contain_text("has not been trained yet")


def test_hits_are_judged_played_and_unfolded_by_keyboard(page: Page, site: Site) -> None:
    page.goto(f"/search?recording={site.recording}&second=60&exclusion=10")
    hits = page.locator(".hit")
    assert hits.count() >= 5
    expect(hits.first).to_contain_text("closer than")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(hits.nth(1).locator(".clip-button")).to_be_focused()
    page.keyboard.press("Enter")
    played_to(page, ".hits video", 0.2)
    clip = page.locator(".hits video")
    assert clip.evaluate("video => video.muted") is False
    page.keyboard.press("m")
    assert clip.evaluate("video => video.muted") is True
    page.keyboard.press("Enter")
    expect(clip).to_have_count(0)

    fold = hits.first.locator(".suppressed")
    fold.locator("summary").click()
    link = fold.get_by_role("link").first
    expect(link).to_be_visible()

    page.keyboard.press("f")
    expect(page).to_have_url(re.compile(r"exclusion=10"))
    assert "second=60" not in page.url


def test_controls_change_the_hits_and_the_link(page: Page, site: Site) -> None:
    page.goto(f"/search?recording={site.recording}&second=60")
    controls = page.locator(".tuning")
    if not controls.evaluate("details => details.open"):
        controls.locator("summary").first.click()
    page.get_by_label("At least apart").select_option("10")
    expect(page).to_have_url(re.compile(r"second=60&exclusion=10$"))
    expect(page.locator("#results h2").first).to_contain_text("other times")
    page.get_by_label("Hits").select_option("10")
    expect(page).to_have_url(re.compile("k=10$"))
    page.get_by_role("radio", name="Sound", exact=True).check()
    expect(page).to_have_url(re.compile("with=audio"))
    expect(page.locator("input[name=weight]")).to_be_hidden()
    ranked = page.locator(".hit").evaluate_all("hits => hits.map((hit) => hit.dataset.open)")

    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.evaluate("navigator.clipboard.readText()"))
    again = other.locator(".hit").evaluate_all("hits => hits.map((hit) => hit.dataset.open)")
    assert again == ranked
    other.close()
    page.evaluate("history.back()")
    expect(page).to_have_url(re.compile("k=10$"))
    expect(page.locator("[value=joint]")).to_be_checked()


def test_shortcuts_theme_and_skip_link(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Switch between dark and light").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="A search begins with a moment.")).to_be_visible()


def test_signing_out(page: Page) -> None:
    page.get_by_label("Account admin").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
