"""A session that ends while somebody types: they sign in again, and go on where they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Screen, watch


@pytest.fixture
def mara(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Screen]:
    """Signed in with a session of their own, which a test may end."""
    size = getattr(request, "param", DESKTOP)
    context = browser.new_context(viewport=size, locale="en-GB")
    context.set_default_timeout(8000)
    page = context.new_page()
    page.goto(f"{address}/admin/login")
    sign_in(page)
    page.wait_for_url("**/admin/")
    yield watch(page, address)
    context.close()


def sign_in(page: Page, name: str = "mara", password: str = "sales123") -> None:
    """By keyboard alone: the first input has the focus."""
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def end_session(page: Page) -> None:
    """As a sign-out in another tab does."""
    page.context.clear_cookies(name="crm_session")


def check(screen: Screen) -> None:
    """A browser writes down what was refused; nothing else may be wrong."""
    screen.problems[:] = [one for one in screen.problems if "status of 401" not in one and "status of 403" not in one]
    screen.check()
    page = screen.page
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("mara", [DESKTOP, PHONE], indirect=True, ids=["desktop", "phone"])
def test_a_new_task_is_there_again_with_its_rows_and_look_ups(mara: Screen) -> None:
    page = mara.open("/task/create")
    page.fill("#title", "Typed for an hour")
    page.locator("[data-add-row]").click()
    page.keyboard.type("A step")
    page.locator("#assignee_id + .select2").click()
    page.locator(".select2-search__field").last.fill("Mara")
    page.locator(".select2-results__option", has_text="Mara Lindqvist").click()
    end_session(page)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("what you typed will be there")
    check(mara)
    sign_in(page)
    expect(page.get_by_role("alert")).to_contain_text("Your session had ended")
    expect(page.locator("#title")).to_have_value("Typed for an hour")
    expect(page.locator("[data-rows] .form-control").first).to_have_value("A step")
    expect(page.locator("#assignee_id + .select2")).to_contain_text("Mara Lindqvist")
    expect(page.locator(".state")).not_to_be_empty()
    check(mara)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("h1")).to_have_text("Typed for an hour")


def test_what_is_there_again_is_discarded_without_a_question(mara: Screen) -> None:
    page = mara.open("/contact/create")
    page.on("dialog", lambda dialog: pytest.fail(dialog.type))
    page.fill("#name", "Never mind")
    end_session(page)
    page.keyboard.press("Control+s")
    sign_in(page)
    page.get_by_role("link", name="Discard").press("Enter")
    expect(page.locator("[data-unsaved]")).to_have_count(0)
    expect(page.locator("#name")).to_have_value("")
    check(mara)


def test_who_signed_in_again_in_another_tab_presses_save_again(mara: Screen) -> None:
    page = mara.open("/contact/create")
    page.fill("#name", "Second tab")
    end_session(page)
    other = page.context.new_page()
    other.goto(f"{mara.address}/admin/login")
    sign_in(other)
    other.wait_for_url("**/admin/")
    other.close()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Your session had ended")
    expect(page.locator("#name")).to_have_value("Second tab")
    check(mara)


def test_without_scripts_a_button_leads_back(browser: Browser, address: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{address}/admin/language?to=zh&next=/admin/contact/create")
    for turn in range(2):
        page.fill("#username", "mara")
        page.fill("#password", "sales123")
        page.press("#password", "Enter")
        if not turn:
            page.fill("#name", "没有脚本")
            end_session(page)
            page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("button", name="继续").click()
    expect(page.locator("#name")).to_have_value("没有脚本")
    expect(page.get_by_role("alert")).to_contain_text("登录曾失效")
    page.close()
