"""The way of a person from the account's menu to a token, a program's request and the reference."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site
from tests.e2e.test_kept_pages import looked_at

pytestmark = pytest.mark.e2e


def test_a_token_is_made_by_keyboard_used_and_revoked(page: Page, site: Site) -> None:
    name = f"Night report {page.evaluate('innerWidth')}"
    page.goto("/")
    page.get_by_label("Account admin").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Tokens for programs")).to_be_focused()
    looked_at(page, "tokens-menu")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tokens")
    page.get_by_label("What it is for").fill(name)
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox").first).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    looked_at(page, "tokens-form")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"{name} is ready")).to_be_visible()
    looked_at(page, "tokens-made")
    secret = page.get_by_label("The token", exact=True).inner_text()
    headers = {"Authorization": f"Bearer {secret}"}
    answer = page.request.get("/api/v1/recordings", headers=headers)
    assert site.recording in [item["id"] for item in answer.json()["items"]]
    made = page.request.post("/api/v1/cases", headers=headers, data={"title": name})
    assert made.status == 201

    page.get_by_role("link", name=f"Revoke {name}").click()
    looked_at(page, "tokens-revoke")
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text(f"{name} was revoked")).to_be_visible()
    assert page.request.get("/api/v1/recordings", headers=headers).status == 401


def test_the_reference_shows_every_desk_from_our_own_files(page: Page, site: Site) -> None:
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.goto("/tokens")
    page.get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", name="API")).to_be_visible()
    for desk in ("library", "search", "anomalies", "labels", "events", "saved", "cases"):
        expect(page.locator(f"h2#{desk}")).to_be_visible()
    page.locator(".operation:has(#search_search) > summary").click()
    expect(page.locator("#search_search")).to_contain_text("A token needs the scope read.")
    page.locator("#search_search").get_by_role("link", name="SearchOut").click()
    expect(page.locator("#shape-SearchOut").get_by_text("clips_searched")).to_be_visible()
    looked_at(page, "api-reference")
    assert [url for url in elsewhere if not url.startswith((site.url, "data:"))] == []
