"""An operator's way through unusual moments: zoom, move the threshold, judge, take it back."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, _manage

pytestmark = pytest.mark.e2e

SECONDS = 420


@pytest.fixture(scope="session")
def whistles(site: Site, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return a recording of a hum in which one whistle is heard twice, and another one once."""
    path = tmp_path_factory.mktemp("sound") / "hum.wav"
    hum = "0.1*sin(2*PI*300*t+60*sin(t/3))+0.05*random(0)"
    low = "(between(t\\,100\\,102)+between(t\\,200\\,202))*0.5*sin(2*PI*2500*t)"
    high = "between(t\\,300\\,302)*0.5*sin(2*PI*7000*t)"
    source = f"aevalsrc={hum}+{low}+{high}:sample_rate=16000:duration={SECONDS}"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, str(path)], check=True)
    arguments = (str(path), "--camera", "Engine room", "--start", "2026-07-02T10:00:00+00:00")
    ingested = json.loads(_manage(site.data, "ingest", *arguments, "--wait", "--json"))
    assert ingested["state"] == "ready"
    return int(ingested["recording"])


def moment(page: Page) -> str:
    return page.locator(".peak-when .timecode").inner_text()


def shelf(page: Page, number: int) -> str:
    return page.locator(".shelves a .timecode").nth(number).inner_text()


def open_desk(page: Page) -> None:
    page.goto("/anomalies/")
    page.get_by_role("link", name="Engine room").click()
    expect(page).to_have_url(re.compile(r"/cameras/\d+/anomalies/$"))
    page.goto(f"{page.url}?sigma=2")
    expect(page.locator("canvas")).to_have_attribute("data-seconds", str(SECONDS))


def test_the_timeline_zooms_by_wheel_keys_drag_and_buttons(page: Page, whistles: int) -> None:
    open_desk(page)
    canvas = page.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + 40
    page.mouse.move(*middle)
    page.mouse.wheel(0, -500)
    expect(canvas).to_have_attribute("data-seconds", re.compile(r"^[12]?\d\d$"))
    shown = page.locator(".score-tools .timecode")
    before = shown.inner_text()
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1], steps=4)
    page.mouse.up()
    expect(shown).not_to_have_text(before)

    canvas.focus()
    for _ in range(6):
        page.keyboard.press("+")
    expect(canvas).to_have_attribute("data-seconds", "20")
    page.keyboard.press("ArrowRight")
    expect(canvas).to_have_attribute("aria-valuetext", re.compile(r"^10:0\d:\d\d · -?\d+\.\d σ$"))
    page.keyboard.press("Home")
    expect(canvas).to_have_attribute("data-seconds", str(SECONDS))
    page.get_by_role("button", name="Zoom in").click()
    expect(canvas).to_have_attribute("data-seconds", str(SECONDS // 2))


def test_two_fingers_zoom(page: Page, whistles: int) -> None:
    open_desk(page)
    box = page.locator("canvas").bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})
    y = box["y"] + 40
    middle = box["x"] + box["width"] / 2

    def touch(kind: str, *apart: float) -> None:
        points = [{"x": middle + x, "y": y, "id": i} for i, x in enumerate(apart)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -20, 20)
    for apart in (30, 45, 60, 80):
        touch("touchMove", -apart, apart)
    touch("touchEnd")
    expect(page.locator("canvas")).to_have_attribute("data-seconds", re.compile(r"^1?\d\d$"))


def test_a_queue_is_judged_by_keyboard_and_taken_back(page: Page, whistles: int) -> None:
    open_desk(page)
    slider = page.locator("#tuning input[type=range]")
    before = page.locator("[data-count]").inner_text()
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-sigma]")).to_have_text("1.0 σ")
    expect(page.locator("[data-count]")).not_to_have_text(before)
    expect(page).to_have_url(re.compile("sigma=1"))
    open_desk(page)
    waiting = int(shelf(page, 0))
    assert waiting >= 3
    first = moment(page)

    page.keyboard.press("c")
    expect(page.locator(".undo")).to_contain_text("confirmed")
    expect(page.locator(".shelves a .timecode").nth(1)).to_have_text("1")
    assert moment(page) != first
    page.keyboard.press("z")
    expect(page.locator(".shelves a .timecode").nth(1)).to_have_text("0")
    assert moment(page) == first

    page.keyboard.press("d")
    expect(page.locator(".undo")).to_contain_text("dismissed")
    if first.startswith(("10:01:4", "10:03:2")):  # the whistle that is heard twice
        expect(page.locator(".peaks-side")).to_contain_text("more like those you dismissed")
    page.keyboard.press("n")
    expect(page.locator("#desk[aria-busy]")).to_have_count(0)
    page.keyboard.press("z")
    expect(page.locator(".shelves a .timecode").nth(0)).to_have_text(str(waiting))


def test_the_moment_plays_with_sound_and_leads_to_its_like(page: Page, whistles: int) -> None:
    open_desk(page)
    expect(page.locator(".normal li")).to_have_count(3)
    expect(page.locator(".peak-stage .playing")).to_be_visible()
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile(rf"/search\?recording={whistles}&second=\d+"))


def test_a_click_on_the_curve_shows_the_peak_there(page: Page, whistles: int) -> None:
    open_desk(page)
    canvas = page.locator("canvas")
    box = canvas.bounding_box()
    assert box
    x = 8 + (box["width"] - 16) * 301 / SECONDS
    canvas.click(position={"x": x, "y": 60})
    expect(page).to_have_url(re.compile("at=17"))
    expect(page.locator(".peak-when .timecode")).to_have_text(re.compile("^10:0(4:59|5:0)"))
