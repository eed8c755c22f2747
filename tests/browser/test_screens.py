"""Every screen of every entity draws without an error on the console, in both languages, and runs nobody's text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from crm.entity import entity_of
from crm.fields import models
from tests.browser.conftest import DESKTOP, PHONE, Screen

#: the panel's address of an entity: CategoryType → category-type
IDENTITIES = {m.__tablename__.replace("_", "-"): m for m in models()}


@pytest.mark.parametrize("identity", IDENTITIES)
def test_list_and_details_of_an_entity_are_drawn(desk: Screen, identity: str) -> None:
    page = desk.open(f"/{identity}/list")
    expect(page.locator("h1")).to_have_count(1)
    first = page.locator("tbody th a").first
    if first.count():
        first.click()
        expect(page.locator(".cols h2").first).to_be_visible()
    desk.check()


@pytest.mark.parametrize("identity", [i for i, m in IDENTITIES.items() if "create" in entity_of(m).verbs])
def test_the_form_of_an_entity_is_drawn_and_every_input_has_a_label(desk: Screen, identity: str) -> None:
    page = desk.open(f"/{identity}/create")
    expect(page.locator(".save-bar .btn-primary")).to_be_visible()
    unnamed = page.eval_on_selector_all(
        "form[data-guard] :is(input:not([type=hidden]), select, textarea):not(.select2-search__field)",
        "all => all.filter(e => !e.labels.length && !e.getAttribute('aria-label')).map(e => e.name || e.outerHTML)",
    )
    assert not unnamed
    desk.check()


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], indirect=True, ids=["desktop", "phone"])
@pytest.mark.parametrize("path", ["/", "/opportunity/list", "/customer/details/2", "/task/create", "/inbox"])
def test_no_screen_scrolls_sideways(screen: Screen, path: str) -> None:
    page = screen.open(path)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    screen.check()


@pytest.mark.parametrize("screen", [PHONE], indirect=True, ids=["phone"])
def test_what_a_thumb_presses_on_a_phone_is_large_enough(screen: Screen) -> None:
    page = screen.open("/opportunity/list")
    small = page.eval_on_selector_all(
        ".dock a, .dock button, .top button, .top a.btn, .top summary, .turns a",
        "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML)",
    )
    assert not small
    assert page.locator("tbody tr").first.bounding_box()["height"] >= 44  # type: ignore[index]


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
