"""Without a mouse: the keyboard, and a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import soundness
from tests.browser.conftest import PHONE, Screen


def test_filters_are_walked_with_the_arrow_keys_and_their_panel_stays_on_the_page(screen: Screen) -> None:
    page = screen.open("/opportunity/list?stage_id=1&stage_id=2&stage_id=3&amount__gte=1&created_at__gte=2020-01-01")
    page.set_viewport_size({"width": 1024, "height": 800})
    page.locator(".filters summary", has_text="Filter").press("Enter")
    box = page.locator(".filter-panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1024
    chosen = page.locator("[role=tab][aria-selected=true]")
    chosen.focus()
    before = chosen.inner_text()
    page.keyboard.press("ArrowDown")
    expect(chosen).to_be_focused()
    expect(chosen).not_to_have_text(before)
    soundness.check(page)
    page.keyboard.press("Escape")
    expect(page.locator(".filter-panel")).to_be_hidden()
    screen.check()


def test_the_keyboard_reaches_content_and_search(screen: Screen) -> None:
    page = screen.open("/customer/list")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator(".seek .input")).to_be_focused()
    page.locator("summary[aria-label=Language]").press("Enter")
    expect(page.locator("details.menu[open]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    expect(page.locator("summary[aria-label=Language]")).to_be_focused()


@pytest.mark.parametrize("screen", [PHONE], indirect=True, ids=["phone"])
def test_a_phone_opens_the_menu_and_a_record_by_tapping_its_row(screen: Screen) -> None:
    page = screen.open("/opportunity/list")
    page.locator("tbody tr").first.tap(position={"x": 200, "y": 60})
    expect(page.locator(".facts")).to_be_visible()
    page.get_by_role("button", name="More").tap()
    expect(page.locator(".side")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".side")).to_be_hidden()
    expect(page.get_by_role("button", name="More")).to_be_focused()
    page.get_by_role("button", name="More").tap()
    expect(page.locator(".side")).to_be_visible()
    assert page.locator(".work").evaluate("part => part.inert"), "what lies below the menu is still reached"
    page.locator(".side").get_by_role("link", name="Products").tap()
    expect(page).to_have_url(re.compile("/product/list"))
    screen.check()
