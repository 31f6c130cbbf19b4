"""An analyst judges hits until the search has learnt what is meant, and sees when it happens."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.test_encoders_pages import manage

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def alley(site: Site) -> list[int]:
    """Recordings of one camera on four days, and of another on one."""
    code = """
import json
from datetime import UTC, datetime
from indexing.models import Recording
from tests.e2e.yard import make
found = []
for seed, day in enumerate((1, 2, 4, 19)):
    found.append(make("Alley", seed=60 + seed))
    start = datetime(2026, 6, day, 5 + 5 * seed, 55, tzinfo=UTC)
    Recording.objects.filter(pk=found[-1]).update(start=start, start_known=True)
found.append(make("Alley roof", seed=70))
print(json.dumps(found))
"""
    numbers: list[int] = json.loads(manage(site, "shell", "-v0", "-c", code))
    return numbers


def test_hits_are_judged_by_key_and_thumb_and_become_an_event(page: Page, alley: list[int]) -> None:
    page.goto(f"/search?recording={alley[0]}&second=130&k=10")
    hits = page.locator(".hit")
    expect(hits).to_have_count(10)
    best = hits.first.get_attribute("data-open") or ""

    page.keyboard.press("ArrowRight")
    page.keyboard.press("y")
    expect(page.get_by_role("heading", name="Refined by 1 mark")).to_be_visible()
    expect(page).to_have_url(re.compile(r"this=\d+:\d+"))
    # The next hit is where the judged one was, ready for the next key.
    expect(hits.first.locator(".clip-button")).to_be_focused()
    assert hits.first.get_attribute("data-open") != best
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Refined by 2 marks")).to_be_visible()
    thumb = hits.nth(1).locator("[data-this]")
    box = thumb.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    thumb.click()
    expect(page.get_by_role("heading", name="Refined by 3 marks")).to_be_visible()

    controls = page.locator(".tuning")
    if not controls.evaluate("details => details.open"):
        controls.locator("summary").first.click()
    page.get_by_label("Hits").select_option("50")
    expect(page).to_have_url(re.compile(r"(?=.*this=)(?=.*not=)(?=.*k=50)"))
    expect(page.get_by_role("heading", name="Refined by 3 marks")).to_be_visible()
    page.locator(".mark-not .mark-off").click()
    expect(page.get_by_role("heading", name="Refined by 2 marks")).to_be_visible()
    assert "not=" not in page.url

    page.get_by_text("Make an event of them").click()
    page.get_by_label("Name of the event").fill(f"Rumble {page.evaluate('innerWidth')}")
    page.get_by_role("button", name="Make an event").click()
    expect(page.get_by_role("status").first).to_contain_text("is labelled at 3 moments")


def test_the_slider_ranks_anew_while_it_is_dragged(page: Page, alley: list[int]) -> None:
    page.goto(f"/search?recording={alley[0]}&second=130")
    controls = page.locator(".tuning")
    if not controls.evaluate("details => details.open"):
        controls.locator("summary").first.click()
    page.evaluate("window.same = history.length")
    slider = page.get_by_label("Weight of the sound")
    slider.evaluate(
        """slider => {
            slider.value = 0.9;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    expect(page).to_have_url(re.compile(r"weight=0\.9"))
    assert page.evaluate("window.same === history.length")
    expect(page.locator("[data-says=joint]")).to_be_visible()
    expect(page.locator("[data-says=audio]")).to_be_hidden()


def test_a_second_moment_joins_the_query(page: Page, alley: list[int]) -> None:
    page.goto(f"/search?recording={alley[0]}&second=130&k=10")
    page.locator(".hit").first.get_by_role("link", name="Open").click()
    page.get_by_role("link", name="Add to the query").click()
    expect(page.get_by_role("heading", name="Also in the query")).to_be_visible()
    expect(page.locator("#results")).to_contain_text("The query is 2 moments")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    expect(page.locator("#results")).to_contain_text("The query is 3 moments")


def test_the_calendar_tells_when_and_leads_there(page: Page, alley: list[int]) -> None:
    page.goto(f"/search?recording={alley[0]}&second=130&camera=Alley&camera=Alley+roof")
    page.get_by_role("link", name="When", exact=True).click()
    calendar = page.locator("#calendar")
    expect(calendar).to_contain_text("14 days without")
    expect(calendar).to_contain_text("Alley roof")
    page.get_by_role("link", name="Every near second").click()
    expect(calendar).to_contain_text("closer than 99.0 % of all")
    page.get_by_label("How near a second must be to count").focus()
    page.keyboard.press("ArrowLeft")
    expect(calendar).to_contain_text("closer than 98.7 % of all")
    expect(page).to_have_url(re.compile(r"near=1\.9"))
    expect(page.get_by_label("How near a second must be to count")).to_be_focused()

    cell = calendar.locator("tbody a").first
    wanted = re.search(r"since=[^&]*", cell.get_attribute("href") or "")
    assert wanted is not None
    cell.click()
    expect(page).to_have_url(re.compile(re.escape(wanted[0])))
    expect(page.locator(".hit").first).to_be_visible()
