"""Words that scripts keep for themselves: look-ups and calendars speak the reader's language too."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Screen


def test_look_ups_and_calendars_speak_chinese(screen: Screen) -> None:
    page = screen.open("/language?to=zh&next=/admin/contact/create")
    page.locator("#customer_id + .select2").click()
    page.locator(".select2-container--open .select2-search__field").fill("nobody is called so")
    expect(page.locator(".select2-results__message")).to_have_text("没有结果")
    page.keyboard.press("Escape")
    page.locator("#birthday").click()
    calendar = page.locator(".flatpickr-calendar.open")
    expect(calendar.locator(".flatpickr-weekday").first).to_have_text(re.compile("一"))
    expect(calendar.locator(".flatpickr-monthDropdown-months option").first).to_have_text("一月")
    screen.open("/language?to=en&next=/admin/contact/create")
    page.locator("#customer_id + .select2").click()
    page.locator(".select2-container--open .select2-search__field").fill("nobody is called so")
    expect(page.locator(".select2-results__message")).to_have_text(re.compile("[A-Z]"))
    screen.check()
