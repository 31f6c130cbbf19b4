"""Every page, at both widths and in both themes, under the rules of axe-core (vendor/README)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import SIZES, Site, _manage

pytestmark = pytest.mark.e2e

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
GRAVE = ("serious", "critical")

# What a theme changes is colour, so the second one is asked about colours alone.
THEMES = {
    "dark": {"type": "tag", "values": TAGS},
    "light": {"type": "rule", "values": ("color-contrast", "link-in-text-block")},
}

# What is found and known: (page, rule) and why it stays. One that is not found any more fails.
KNOWN: dict[tuple[str, str], str] = {}

# Opened, folded parts are looked at as well; what lies over others has a page of its own here.
UNFOLD = """() => {
  const over = ".menu, .save-search";
  for (const each of document.querySelectorAll(`details:not(${over})`)) each.open = true;
}"""

# Parts of a page come in after it, and bring others with them.
SETTLED = """async () => {
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  for (let quiet = 0; quiet < 2; quiet += 1) {
    await wait(25);
    if (document.readyState !== "complete" || document.querySelector(".htmx-request")) quiet = -1;
  }
}"""

RUN = """async ([theme, runOnly]) => {
  document.documentElement.dataset.theme = theme;
  const { violations } = await axe.run(document, { runOnly, resultTypes: ["violations"] });
  return violations.map(({ id, impact, help, nodes }) => ({
    id,
    impact,
    help,
    targets: nodes.map(({ target, any }) => `${target.join(" ")} ${any[0]?.message ?? ""}`),
  }));
}"""

Act = Callable[[Page], None]


@dataclass(frozen=True)
class Visit:
    """A page as somebody sees it: its address, whose eyes, and what is done there first."""

    address: str
    role: str = "admin"
    act: Act | None = None
    status: int = 200


def press(name: str) -> Act:
    """Return what presses the button of this name."""
    return lambda page: page.get_by_role("button", name=name).click()


def unfold(selector: str) -> Act:
    """Return what opens a part that lies over others."""
    return lambda page: page.locator(f"{selector} > summary").click()


def shown(selector: str) -> Act:
    """Return what waits for a part that a script draws."""
    return lambda page: expect(page.locator(selector).first).to_be_visible()


def keep(page: Page) -> None:
    """Choose to keep a moment in a new case."""
    page.get_by_label("Keep this moment").select_option("new")
    expect(page.get_by_label("Title of the case")).to_be_visible()


def refuse(page: Page) -> None:
    """Sign in with a wrong password."""
    page.get_by_label("Name").fill("somebody")
    page.get_by_label("Password").fill("something")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def make_token(page: Page) -> None:
    page.get_by_label("What it is for").fill("Once")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("The token", exact=True)).to_be_visible()


def loop(page: Page) -> None:
    """Mark a loop and open the field for a time of day."""
    page.keyboard.press("i")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("o")
    page.keyboard.press("t")


SEARCH = "/search?recording={film}&second=20&exclusion=5&k=5"
BAY = "/search?recording={bay}&second=90&exclusion=10&k=10"

PAGES = {
    "sign-in": Visit("/sign-in", ""),
    "sign-in refused": Visit("/sign-in", "", refuse),
    "library": Visit("/", "operator"),
    "library without a role": Visit("/", "guest"),
    "library of a camera": Visit("/?camera=Loading bay"),
    "upload panel": Visit("/", "admin", press("Add recordings")),
    "menu of what is kept": Visit("/", "admin", unfold(".menu:has(.menu-links)")),
    "menu of the account": Visit("/", "admin", unfold(".menu:not(:has(.menu-links))")),
    "keyboard": Visit("/", "analyst", press("Keyboard shortcuts")),
    "recording": Visit("/recordings/{film}?t=42", "analyst", keep),
    "recording with a loop": Visit("/recordings/{film}?t=42", "operator", loop),
    "recording with events": Visit("/recordings/{bay}?t=42", "operator", shown("[data-strip]")),
    "recording coming in": Visit("/recordings/{coming}"),
    "recording refused": Visit("/recordings/{refused}"),
    "recording to delete": Visit("/recordings/{bay}/delete"),
    "search without a moment": Visit("/search", "analyst"),
    "search with files of one's own": Visit("/search"),
    "file to search with": Visit("/recordings/{sample}?t=4"),
    "file to delete": Visit("/recordings/{sample}/delete"),
    "search with a file": Visit("/search?recording={sample}&second=4"),
    "search": Visit(SEARCH, "analyst"),
    "search to save": Visit(SEARCH, "analyst", unfold(".save-search")),
    "search refined": Visit(BAY + "&also={bay}:200&this={bay}:300&not={bay}:400", "operator"),
    "search without an answer": Visit(
        "/search?recording={film}&second=9999", "analyst", status=422
    ),
    "when it happens": Visit(BAY + "&view=when", "analyst"),
    "when near seconds happen": Visit(BAY + "&view=when&near=1", "analyst"),
    "compare": Visit("/encoders/compare?left={starter}&right={encoder}&recording={bay}&second=90"),
    "saved searches": Visit("/saved"),
    "saved search": Visit("/saved/{saved}"),
    "saved search to delete": Visit("/saved/{saved}/delete"),
    "notifications": Visit("/notifications"),
    "notifications, none": Visit("/notifications", "analyst"),
    "cases and bookmarks": Visit("/cases"),
    "case": Visit("/cases/{case}"),
    "case to delete": Visit("/cases/{case}/delete"),
    "evidence": Visit("/cases/{case}/evidence"),
    "evidence made": Visit("/evidence/{export}"),
    "evidence being cut": Visit("/evidence/{cutting}"),
    "anomalies": Visit("/anomalies/", "analyst", shown("score-line canvas")),
    "review queue": Visit("/cameras/{camera}/anomalies/?sigma=1", "operator"),
    "review queue, judged": Visit("/cameras/{camera}/anomalies/?sigma=1&show=reviewed"),
    "anomalies of a film too short": Visit("/cameras/North gate/anomalies/", "analyst", status=422),
    "events": Visit("/events", "operator"),
    "event": Visit("/events/{event}", "operator"),
    "event to delete": Visit("/events/{event}/delete", "operator"),
    "label": Visit("/labels/{label}", "operator"),
    "encoders": Visit("/encoders?camera=Loading bay"),
    "encoders for an analyst": Visit("/encoders", "analyst"),
    "encoder": Visit("/encoders/{encoder}"),
    "starter encoder": Visit("/encoders/{starter}", "analyst"),
    "encoder to delete": Visit("/encoders/{encoder}/delete"),
    "training": Visit("/trainings/{training}", "operator"),
    "training, paused": Visit("/trainings/{paused}", "operator"),
    "training to cancel": Visit("/trainings/{paused}/cancel", "operator"),
    "tokens": Visit("/tokens"),
    "token to revoke": Visit("/tokens/{token}/revoke"),
    "API reference": Visit("/api/v1/docs", "admin", shown(".operation")),
    "token made": Visit("/tokens", "admin", make_token),
    "not allowed": Visit("/recordings/{film}/delete", "analyst", status=403),
    "not found": Visit("/nowhere", "analyst", status=404),
    "broken": Visit("/broken", "analyst", status=500),
}


@dataclass
class Furnished:
    """A site with something on every page, and a signed-in browser for whoever has been there."""

    site: Site
    browser: Browser
    passwords: dict[str, str]
    places: dict[str, str]
    broken: str
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, role: str) -> Page:
        """Return the page of a role."""
        if role not in self.pages:
            self.pages[role] = self.context().new_page()
            if role:
                sign_in(self.pages[role], f"{role}-2", self.passwords[role])
        return self.pages[role]

    def context(self) -> BrowserContext:
        context = self.browser.new_context(
            base_url=self.site.url, locale="en-GB", reduced_motion="reduce"
        )
        context.add_init_script(path=AXE)
        # No address breaks on purpose, so the page for that is put where one would.
        context.route(
            "**/broken",
            lambda route: route.fulfill(status=500, content_type="text/html", body=self.broken),
        )
        return context


def sign_in(page: Page, name: str, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")


@pytest.fixture(scope="module")
def furnished(site: Site, browser: Browser) -> Iterator[Furnished]:
    def told(call: str) -> str:
        code = f"import json; from tests.e2e import furnished; print(json.dumps(furnished.{call}))"
        return _manage(site.data, "shell", "-v0", "-c", code)

    made = json.loads(told(f"furnish({site.recording})"))
    yield Furnished(site, browser, made["passwords"], made["places"], made["pages"]["500"])
    told("clear()")


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(name: str, furnished: Furnished) -> None:
    found = [
        (rule, f"{name}, {seen}: {rule['id']} ({rule['impact']}): {rule['help']}")
        for seen, rule in violations(furnished, PAGES[name])
        if rule["impact"] in GRAVE
    ]
    told = [
        f"{said}\n    {target}"
        for rule, said in found
        if (name, rule["id"]) not in KNOWN
        for target in rule["targets"]
    ]
    assert not told, "\n".join(told)
    gone = {rule for page, rule in KNOWN if page == name} - {rule["id"] for rule, _ in found}
    assert not gone, f"{name}: no longer found, so take them off the list of what is known: {gone}"


def violations(furnished: Furnished, visit: Visit) -> Iterator[tuple[str, dict[str, Any]]]:
    """Show a page and yield what breaks a rule, with the size and theme that it is seen in."""
    page = furnished.page(visit.role)
    show(page, visit, furnished.places)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(SETTLED)
        for theme, only in THEMES.items():
            for rule in page.evaluate(RUN, [theme, only]):
                yield f"{size}, {theme}", rule


def show(page: Page, visit: Visit, places: dict[str, str]) -> None:
    """Go to a page, and do what is to be done before it is looked at."""
    width, height = SIZES["wide"]
    page.set_viewport_size({"width": width, "height": height})
    answer = page.goto(visit.address.format(**places))
    assert answer
    assert answer.status == visit.status
    page.evaluate(SETTLED)
    page.evaluate(UNFOLD)
    if visit.act:
        visit.act(page)


def test_what_is_known_names_pages_that_there_are() -> None:
    assert {page for page, _ in KNOWN} <= set(PAGES)
