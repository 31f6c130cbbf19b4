"""The player of a recording: its speeds, pictures, loop, clock and the picture of its sound."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.test_pages import played_to, second

pytestmark = pytest.mark.e2e

FPS = 10


@pytest.fixture
def desk(page: Page, site: Site) -> Page:
    """The page of a recording at second 30, ready to be played."""
    page.goto(f"/recordings/{site.recording}?t=30")
    page.wait_for_function(
        """() => {
          const video = document.querySelector("video");
          return video.readyState >= 2 && video.currentTime >= 30 && !video.seeking;
        }"""
    )
    return page


def says(page: Page) -> Locator:
    return page.locator("[data-says]")


def rate(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video').playbackRate"))


def time(page: Page) -> float:
    page.wait_for_function("() => !document.querySelector('video').seeking")
    return float(page.evaluate("document.querySelector('video').currentTime"))


def picture(page: Page) -> int:
    """Return the number of the picture on screen."""
    page.wait_for_function("() => !document.querySelector('video').seeking")
    # The callback for the new picture comes with the frame after it.
    page.evaluate("() => new Promise((done) => setTimeout(done, 150))")
    shown = page.evaluate("document.querySelector('review-desk').playback.shown")
    return round(FPS * float(shown))


def test_speeds_go_from_a_quarter_to_sixteen_and_no_further(desk: Page) -> None:
    desk.get_by_label("Speed").select_option("0.25")
    assert rate(desk) == 0.25
    desk.keyboard.press("Escape")
    desk.locator("h1").click()
    desk.keyboard.press("<")
    expect(says(desk)).to_contain_text("0.25× is the slowest here")
    desk.get_by_label("Speed").select_option("16")
    desk.locator("h1").click()
    desk.keyboard.press(">")
    expect(says(desk)).to_contain_text("16× is the fastest that browsers play")
    assert rate(desk) == 16
    assert desk.evaluate("document.querySelector('review-desk').playback.setSpeed(32)") is False
    expect(says(desk)).to_have_text("This browser does not play at 32×; it stays at 16×.")
    assert rate(desk) == 16


def test_a_machine_that_lags_behind_is_said(desk: Page) -> None:
    desk.evaluate(
        """() => {
          const { playback } = document.querySelector("review-desk");
          playback.since = performance.now() - 4000;
          playback.sinceTime = playback.video.currentTime - 1;
          playback.checkPace();
        }"""
    )
    expect(says(desk)).to_have_text("This machine plays at about 0.25× of the 1× asked for.")


def test_pictures_go_by_one_both_ways(desk: Page) -> None:
    at = picture(desk)
    for _ in range(3):
        desk.keyboard.press(".")
        at += 1
        assert picture(desk) == at
    desk.get_by_role("button", name="One picture back").click()
    assert picture(desk) == at - 1
    desk.keyboard.press(",")
    assert picture(desk) == at - 2


def test_j_k_and_l_go_backwards_stop_and_go_faster(desk: Page) -> None:
    desk.keyboard.press("j")
    expect(says(desk)).to_contain_text("Backwards at 1×")
    desk.keyboard.press("j")
    expect(says(desk)).to_contain_text("Backwards at 2×")
    desk.wait_for_function("() => document.querySelector('video').currentTime < 29")
    desk.keyboard.press("k")
    stood = time(desk)
    expect(says(desk)).to_be_empty()
    desk.keyboard.press("l")
    played_to(desk, "video", stood + 0.1)
    desk.keyboard.press("l")
    assert rate(desk) == 2
    desk.keyboard.press("k")
    assert desk.evaluate("document.querySelector('video').paused")


def test_a_loop_is_played_between_two_marks_and_taken_back(desk: Page) -> None:
    desk.keyboard.press("i")
    expect(says(desk)).to_contain_text("It begins here")
    desk.keyboard.press("ArrowRight")
    desk.keyboard.press("o")
    expect(says(desk)).to_contain_text("over and over")
    expect(desk.locator(".lane-whole .lane-loop")).to_be_visible()
    desk.keyboard.press("ArrowLeft")
    desk.keyboard.press("Space")
    video = desk.locator("video")
    jumped = (
        "video => new Promise((done) => video.addEventListener('seeked', done, { once: true }))"
    )
    video.evaluate(jumped)
    assert 29.9 <= float(video.evaluate("video => video.currentTime")) < 31.2
    desk.keyboard.press("k")
    # Beyond its end somebody wants to be there.
    desk.keyboard.press("Shift+ArrowRight")
    desk.keyboard.press("Space")
    played_to(desk, "video", second(desk) + 0.2)
    assert time(desk) > 40
    desk.get_by_role("button", name="No loop").click()
    expect(desk.locator(".lane-whole .lane-loop")).to_be_hidden()
    desk.keyboard.press("k")


def test_a_time_of_day_is_gone_to_or_refused(desk: Page) -> None:
    desk.keyboard.press("t")
    clock = desk.get_by_label("Time of day on the camera's clock")
    expect(clock).to_be_focused()
    for text, at in (("10:00:45", 45), ("10.01", 60), ("100107", 67), ("10:00", 0)):
        clock.fill(text)
        desk.get_by_role("button", name="Go", exact=True).click()
        assert second(desk) == at
    clock.fill("12:30")
    clock.press("Enter")
    expect(says(desk)).to_have_text(
        "12:30:00 is outside this recording, which runs from 10:00:00 to 10:01:11 on "
        "Wed 1 Jul 2026, UTC."
    )
    clock.fill("half past")
    clock.press("Enter")
    expect(says(desk)).to_contain_text("Write a time of day")
    clock.press("Escape")
    expect(clock).to_be_hidden()


def test_a_clock_that_is_put_back_shows_an_hour_twice(desk: Page) -> None:
    def found(text: str, zone: str, hours: int = 4) -> object:
        return desk.evaluate(
            """async ([text, zone, duration]) => {
              const app = document.querySelector("script[type=module]").src;
              const words = app.replace(/app(\\.\\w+)?\\.js.*/, "words.js");
              const { CameraClock } = await import(words);
              return new CameraClock("2026-10-24T23:00:00Z", zone).find(text, duration);
            }""",
            [text, zone, 3600 * hours],
        )

    assert found("02:30", "Europe/Brussels") == {"seconds": [5400, 9000]}
    assert found("03:10", "Europe/Brussels") == {"seconds": [11400]}
    assert found("23:00", "UTC", hours=49) == {"seconds": [0, 86400, 172800]}


def test_the_controls_fill_the_screen_with_the_picture(desk: Page) -> None:
    desk.get_by_role("button", name="Full screen").click()
    desk.wait_for_function("() => document.fullscreenElement?.matches('[data-player]')")
    expect(desk.get_by_role("button", name="A loop begins here")).to_be_visible()
    desk.keyboard.press("w")
    desk.wait_for_function("() => document.fullscreenElement === null")


def test_the_sound_is_a_picture_that_seeks(desk: Page) -> None:
    strip = desk.locator("sound-strip [data-track]")
    image = strip.locator("img").first
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 300
    box = strip.bounding_box()
    assert box
    strip.click(position={"x": box["width"] / 2, "y": 20})
    assert second(desk) == 36


def test_buttons_are_wide_enough_for_a_thumb(desk: Page) -> None:
    buttons = desk.locator(".controls button:visible")
    sizes = buttons.evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")
    assert len(sizes) >= 12
    assert all(min(size["width"], size["height"]) >= 44 for size in sizes)


def test_the_keys_are_in_the_help(desk: Page) -> None:
    desk.keyboard.press("?")
    keys = desk.get_by_role("dialog", name="Keyboard")
    for words in ("One picture back or ahead", "A loop begins, ends", "Full screen", "16×"):
        expect(keys).to_contain_text(re.compile(re.escape(words)))
