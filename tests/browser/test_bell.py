"""The bell: its list opens in place, and a reminder is put off from there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import soundness
from tests.browser.conftest import DESKTOP, PHONE, Screen
from tests.browser.sample import REMINDERS


def opened(page: Page) -> Locator:
    """What hangs on the bell, fetched when it is pressed."""
    page.locator(".bell > summary").click()
    expect(page.locator(".bell .news li").first).to_be_visible()
    return page.locator(".bell .news-panel")


@pytest.mark.parametrize(
    ("screen", "title"), [(DESKTOP, REMINDERS[0]), (PHONE, REMINDERS[1])], indirect=["screen"], ids=["desktop", "phone"]
)
def test_a_reminder_is_put_off_from_the_bell_and_the_reader_stays_where_they_are(screen: Screen, title: str) -> None:
    page = screen.open("/opportunity/list?search=retrofit")
    line = opened(page).locator("li", has_text=title)
    expect(line.locator(".dot")).to_be_visible()
    group = line.get_by_role("group", name="Remind again")
    soundness.check(page)
    before = int(page.locator(".bell summary .num").inner_text())
    group.get_by_role("button", name="1 hour").click()
    expect(page).to_have_url(re.compile(r"/opportunity/list\?search=retrofit$"))
    expect(page.locator(".bell summary .num")).to_have_text(str(before - 1))
    expect(opened(page).locator("li", has_text=title).locator(".dot")).to_have_count(0)

    screen.open("/reminder/list")
    waiting = page.locator("tbody tr", has_text=title)
    expect(waiting).to_contain_text("Waiting")
    screen.check()


def test_the_bell_tells_how_long_until_when_in_the_readers_words(screen: Screen) -> None:
    page = screen.open("/")
    waits = opened(page).locator(".snooze").first.get_by_role("button")
    expect(waits).to_have_text(["10 minutes", "1 hour", "Tomorrow, 08:00"])
    page.keyboard.press("Escape")
    expect(page.locator(".bell .news-panel")).to_be_hidden()
    screen.check()
