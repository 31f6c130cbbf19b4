"""Take pictures of every page of a running Reprise, for the README and for looking at them.

    python docs/screenshots.py http://127.0.0.1:8000 --name admin --password ... [--out docs/images]

The recording with the most seconds is shown; --second chooses the moment to search from. Two desks
show something only where there is something: a camera with three minutes of footage for anomalies,
an event with five labels for events. A training that is under way is seen among the encoders. The
README's are of the demo, trained, while it is trained again:
--recording 1 --second 358 --compare 2 502.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SIZES = {1440: 900, 390: 844}
MOST_BYTES = 300_000


def main() -> None:
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=list(QUIET))
        for width, height in SIZES.items():
            context = browser.new_context(
                base_url=options.url,
                viewport={"width": width, "height": height},
                locale="en-GB",
                color_scheme="dark",
                # Waiting for a picture to load asks the page in a way that its policy refuses.
                bypass_csp=True,
            )
            for name in shown(context, options):
                path = options.out / f"{name}-{width}.png"
                context.pages[0].screenshot(path=path)
                print(shrunk(path))
            context.close()
        browser.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where Reprise runs, like http://127.0.0.1:8000")
    parser.add_argument("--name", default="admin")
    parser.add_argument("--password", required=True)
    parser.add_argument("--recording", type=int, help="the longest one where this is left out")
    parser.add_argument("--second", type=int, default=60)
    parser.add_argument(
        "--compare",
        type=int,
        nargs=2,
        metavar=("RECORDING", "SECOND"),
        help="the moment to compare encoders on, if another",
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--chromium", default=CHROMIUM)
    return parser.parse_args()


def shown(context: BrowserContext, options: argparse.Namespace) -> Iterator[str]:
    """Go through the pages and yield the name of each once it is shown in full."""
    page = context.new_page()
    page.goto("/sign-in")
    yield "sign-in"
    page.get_by_label("Name").fill(options.name)
    page.get_by_label("Password").fill(options.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")
    settle(page)
    yield "library"
    recording = options.recording or longest(page)
    page.get_by_role("button", name="Add recordings").click()
    yield "upload"
    page.goto(f"/recordings/{recording}?t={options.second}")
    settle(page)
    yield "recording"
    page.keyboard.press("?")
    yield "keyboard"
    page.goto(f"/search?recording={recording}&second={options.second}")
    settle(page)
    yield "search"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".hit .suppressed summary").first.click()
    page.wait_for_timeout(1500)
    yield "search-playing"
    yield from learning(page, *(options.compare or (recording, options.second)))
    yield from desks(page)
    page.evaluate("localStorage.setItem('theme', 'light')")
    page.goto(f"/search?recording={recording}&second={options.second}")
    settle(page)
    yield "search-light"
    page.goto(f"/search?recording={recording}&second=99999999")
    yield "search-problem"
    page.goto("/nowhere")
    yield "not-found"
    page.evaluate("localStorage.removeItem('theme')")


def desks(page: Page) -> Iterator[str]:
    """Go to the desk of the first camera with unusual moments, and to that of a located event."""
    page.goto("/anomalies/")
    page.get_by_text("being compared").first.wait_for(state="hidden")
    judge = page.locator(".watch a.button")
    if judge.count():
        judge.first.click()
        settle(page)
        yield "anomalies"
    page.goto("/events")
    located = page.locator(".event-row:has(.quality) a")
    if located.count():
        located.first.click()
        settle(page)
        yield "event"


def learning(page: Page, recording: int, second: int) -> Iterator[str]:
    """Go through the encoders of the recording's camera; two of them are wanted to compare."""
    page.goto(f"/recordings/{recording}")
    page.locator("#progress a[href^='/encoders/']").first.click()
    settle(page)
    yield "encoder"
    page.locator(".crumbs a").last.click()
    settle(page)
    yield "encoders"
    page.goto(f"/search?recording={recording}&second={second}")
    compare = page.get_by_role("link", name="Compare with another encoder")
    if compare.count():
        compare.click()
        settle(page)
        yield "compare"


def settle(page: Page) -> None:
    """Wait until pictures and the film of the timeline are there."""
    page.wait_for_function("[...document.images].every((i) => i.complete || i.loading === 'lazy')")
    page.wait_for_timeout(1500)


def longest(page: Page) -> int:
    """Return the recording of the library that is longest, by its chip."""
    units = {"h": 3600, "min": 60, "s": 1}
    found: dict[int, int] = {}
    for card in page.locator(".card:has(.chip)").all():
        text = card.locator(".chip").first.inner_text()
        number = re.search(r"\d+$", card.get_attribute("id") or "")
        if number:
            parts = re.findall(r"(\d+) (h|min|s)", text)
            found[int(number.group())] = sum(int(value) * units[unit] for value, unit in parts)
    return max(found, key=lambda pk: found[pk])


def shrunk(path: Path) -> str:
    """Keep the picture below the limit, with fewer colours where that is what it takes."""
    for colours in (256, 128, 64, 32):
        if path.stat().st_size <= MOST_BYTES:
            break
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(colours).save(path, optimize=True)
    return f"{path} {path.stat().st_size / 1000:.0f} kB"


if __name__ == "__main__":
    main()
