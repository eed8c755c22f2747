"""The search box of the top bar: what it shows while one types, and the page behind it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE, Screen


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], indirect=True, ids=["desktop", "phone"])
def test_records_of_every_kind_are_found_while_one_types(screen: Screen) -> None:
    page = screen.open("/")
    page.keyboard.press("/")
    if page.locator(".seek-btn").is_visible():
        page.locator(".seek-btn").click()
    page.locator(".seek .input").press_sequentially("northgate")
    first = page.get_by_role("option").first
    expect(first).to_contain_text("Northgate Rail")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Northgate Rail")


def test_without_a_choice_enter_leads_to_all_that_was_found(screen: Screen) -> None:
    page = screen.open("/")
    page.keyboard.press("Control+k")
    page.locator(".seek .input").fill("晶圆")
    page.locator(".seek .input").press("Enter")
    expect(page.locator(".found a").first).to_contain_text("晶圆")
    page.locator(".seek .input").fill("nosuchword")
    page.locator(".seek .input").press("Enter")
    expect(page.locator(".blank")).to_contain_text("nosuchword")
    screen.check()
