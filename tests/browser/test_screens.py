"""Every screen of every entity draws without an error on the console, in both languages, and runs nobody's text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from crm.entity import entity_of
from crm.fields import models
from tests.browser import soundness
from tests.browser.conftest import PHONE, Screen

#: the panel's address of an entity: CategoryType → category-type
IDENTITIES = {m.__tablename__.replace("_", "-"): m for m in models()}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_list_and_details_of_an_entity_are_drawn(desk: Screen, identity: str) -> None:
    page = desk.open(f"/{identity}/list")
    soundness.check(page)
    first = page.locator("tbody th a").first
    if first.count():
        first.click()
        expect(page.locator(".cols h2").first).to_be_visible()
        soundness.check(page)
    desk.check()


@pytest.mark.parametrize("identity", [i for i, m in IDENTITIES.items() if "create" in entity_of(m).verbs])
def test_the_form_of_an_entity_is_drawn_and_every_input_has_a_label(desk: Screen, identity: str) -> None:
    page = desk.open(f"/{identity}/create")
    expect(page.locator(".save-bar .btn-primary")).to_be_visible()
    soundness.check(page)
    desk.check()


PATHS = (
    *("/", "/opportunity/list", "/opportunity/list?trash=1", "/customer/details/2", "/opportunity/details/1"),
    *("/task/create", "/contact/edit/1", "/customer/delete/2", "/search?q=northgate", "/search?q=zzzz", "/inbox"),
    *("/outbox", "/jobs", "/news", "/preferences", "/password", "/role/grants/1", "/contact/mail/1"),
)


@pytest.mark.parametrize("path", PATHS)
def test_a_screen_is_sound_in_the_dark_in_chinese_and_under_a_thumb(thumb: Screen, path: str) -> None:
    page = thumb.open(path)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    soundness.check(page)
    soundness.check_targets(page)
    thumb.check()


@pytest.mark.parametrize("path", PATHS)
def test_a_screen_is_sound_on_a_desk(desk: Screen, path: str) -> None:
    soundness.check(desk.open(path))
    desk.check()


def test_captured_mail_shows_in_a_frame_that_runs_nothing(screen: Screen) -> None:
    page = screen.open("/inbox")
    page.locator("tbody th a").first.click()
    frame = page.frame_locator(".mail-frame")
    expect(frame.locator("h1")).to_have_text("Open pipeline")
    assert page.evaluate("window.attacked") is None


def test_an_address_that_does_not_exist_answers_with_a_page(screen: Screen) -> None:
    page = screen.page
    answer = page.goto(f"{screen.address}/admin/contact/details/999999")
    assert answer is not None
    assert answer.status == 404
    expect(page.locator("h1")).to_have_text("Not found")


def test_a_list_is_printed_with_all_its_rows_black_on_white(thumb: Screen) -> None:
    page = thumb.open("/opportunity/list")
    page.set_viewport_size({"width": 1000, "height": 700})
    page.emulate_media(media="print")
    try:
        expect(page.locator(".side")).to_be_hidden()
        assert page.locator("main").bounding_box()["width"] > 900  # type: ignore[index]
        assert page.evaluate("document.documentElement.scrollHeight > innerHeight"), "the list ends with the window"
        assert page.locator("h1").evaluate("e => getComputedStyle(e).color") == "rgb(20, 24, 31)"
    finally:
        page.emulate_media(media="null")
        page.set_viewport_size(PHONE)
