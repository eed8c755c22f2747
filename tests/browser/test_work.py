"""What people do all day, by mouse and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Screen, watch
from tests.browser.sample import ATTACK


def test_a_wrong_password_is_refused_with_a_sentence_and_the_name_is_kept(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="en-GB")
    page.goto(f"{address}/admin/contact/list")
    expect(page).to_have_url(re.compile("/admin/login"))
    page.fill("#username", "mara")
    page.fill("#password", "wrong")
    page.press("#password", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#username")).to_have_value("mara")
    page.close()


def test_signing_in_leads_back_and_signing_out_ends_the_session(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="en-GB")
    screen = watch(page, address)
    page.goto(f"{address}/admin/contact/list")
    page.fill("#username", "mara")
    page.fill("#password", "sales123")
    page.press("#password", "Enter")
    expect(page).to_have_url(re.compile("/admin/contact/list"))
    page.locator(".top summary[aria-label^=Account]").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/admin/login"))
    page.goto(f"{address}/admin/contact/list")
    expect(page).to_have_url(re.compile("/admin/login"))
    screen.check()
    page.close()


def test_a_contact_is_created_edited_deleted_and_restored(screen: Screen) -> None:
    page = screen.open("/contact/list")
    page.get_by_role("link", name="New contact").click()
    page.get_by_label("Name", exact=False).first.fill("Grace Hopper")
    page.locator("#customer_id + .select2 .select2-selection").click()
    page.locator(".select2-search__field").last.fill("Northgate")
    page.locator(".select2-results__option", has_text="Northgate Rail").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("h1")).to_have_text("Grace Hopper")
    expect(page.locator(".note")).to_be_visible()

    page.get_by_role("link", name="Edit").first.click()
    page.fill("#job_title", "Rear admiral")
    page.keyboard.press("Control+s")
    expect(page.locator(".past .diff").first).to_contain_text("Rear admiral")

    page.get_by_role("link", name="Delete").click()
    expect(page.locator("h1")).to_have_text("Move to the trash: Grace Hopper")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page).to_have_url(re.compile("/contact/list"))
    expect(page.locator(".rows")).not_to_contain_text("Grace Hopper")

    page.locator(".head-tools").get_by_role("link", name="Trash").click()
    page.get_by_role("link", name="Grace Hopper").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.locator("h1")).to_have_text("Grace Hopper")
    expect(page.get_by_role("link", name="Edit").first).to_be_visible()
    screen.check()


def test_wrong_input_is_told_at_its_field_and_stays(screen: Screen) -> None:
    page = screen.open("/contact/create")
    page.fill("#email", "nonsense")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#email-note")).to_contain_text("e-mail address")
    expect(page.locator("#name-note")).to_contain_text("empty")
    expect(page.locator("#email")).to_have_value("nonsense")


def test_leaving_a_changed_form_asks_first(screen: Screen) -> None:
    page = screen.open("/contact/create")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.locator("#name").press_sequentially("Half")
    expect(page.locator(".state")).not_to_be_empty()
    page.get_by_role("link", name="Cancel").click()
    expect(page).to_have_url(re.compile("/contact/list"))
    assert asked == ["beforeunload"]


def saved_elsewhere(page: Page, address: str, name: str, value: str) -> None:
    """A second tab changes one field of the same record."""
    other = page.context.new_page()
    other.goto(f"{address}/admin/customer/edit/3")
    other.fill(name, value)
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.locator("h1")).to_have_text("Northgate Rail")
    other.close()


def test_changes_of_two_tabs_are_merged(screen: Screen) -> None:
    page = screen.open("/customer/edit/3")
    page.fill("#city", "York")
    saved_elsewhere(page, screen.address, "#country", "UK")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".note")).to_contain_text("merged with the change of admin")
    expect(page.locator(".pairs").first).to_contain_text("York")
    expect(page.locator(".pairs").first).to_contain_text("UK")
    screen.check()


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], indirect=True, ids=["desktop", "phone"])
def test_a_stale_form_shows_both_sides_and_the_reader_chooses(screen: Screen) -> None:
    page = screen.open("/customer/edit/3")
    page.fill("#source", "Fair")
    page.fill("#website", "https://mine.example.com")
    number = screen.page.viewport_size["width"] if screen.page.viewport_size else 0
    saved_elsewhere(page, screen.address, "#website", f"https://theirs{number}.example.com")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".clash-box")).to_contain_text("Saved by admin")
    expect(page.locator(".clash-box #website")).to_have_value("https://mine.example.com")
    expect(page.locator("#source")).to_have_value("Fair")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator("[name=choice-website][value=theirs]").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("h1")).to_have_text("Northgate Rail")
    expect(page.locator(".canvas")).to_contain_text(f"theirs{number}.example.com")


def test_filter_search_sort_and_pages_narrow_and_order_the_list(screen: Screen) -> None:
    page = screen.open("/opportunity/list")
    expect(page.locator(".pager")).to_contain_text("of 60")
    page.locator(".filters summary", has_text="Filter").click()
    page.locator("[data-filter=amount]").click()
    page.get_by_label("At least").locator("visible=true").fill("400000")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".cond")).to_contain_text("400")
    expect(page.locator("tbody tr")).to_have_count(11)

    page.get_by_role("link", name="Amount", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Amount")
    page.get_by_role("link", name="Amount", exact=True).click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Amount")
    expect(page.locator("tbody .c-money").first).to_have_text("€486,000")

    page.locator(".cond a").click()
    expect(page.locator(".pager")).to_contain_text("1–25 of 60")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".pager")).to_contain_text("26–50 of 60")

    page.fill(".list-seek .input", "晶圆")
    page.press(".list-seek .input", "Enter")
    expect(page.locator(".pager")).to_contain_text("of 6")
    expect(page.locator("tbody tr").first).to_contain_text("晶圆产线传感器改造")
    screen.check()


def test_a_deletion_is_taken_back_by_the_button_of_its_message(screen: Screen) -> None:
    page = screen.open("/tag/list")
    page.get_by_role("link", name="重点").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.locator("tbody")).not_to_contain_text("重点")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text("重点")
    expect(page.locator(".note")).to_contain_text("Restored")
    screen.check()


def test_a_list_that_shows_nothing_offers_to_clear_the_filters(screen: Screen) -> None:
    page = screen.open("/opportunity/list?search=zzzzqqq")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator(".pager")).to_contain_text("of 60")


def test_rows_are_picked_and_deleted_together(screen: Screen) -> None:
    page = screen.open("/interaction/list")
    before = page.locator("tbody tr").count()
    page.locator("tbody .check").nth(0).check()
    page.locator("tbody .check").nth(1).check()
    expect(page.locator(".bulk output")).to_have_text("2 selected")
    assert page.locator("thead .check").evaluate("box => box.indeterminate")
    page.locator(".bulk").get_by_role("button", name="Delete").click()
    expect(page.locator("h1")).to_contain_text("(2)")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.locator("tbody tr")).to_have_count(before - 2)
    screen.check()


def test_all_matching_rows_can_be_picked_at_once(screen: Screen) -> None:
    page = screen.open("/opportunity/list")
    page.locator("thead .check").check()
    page.locator(".bulk").get_by_role("button", name="Select all 60").click()
    expect(page.locator(".bulk output")).to_have_text("All 60 selected")
    page.keyboard.press("Escape")
    page.locator(".bulk .close").click()
    expect(page.locator(".bulk")).to_be_hidden()


def test_the_language_is_switched_and_remembered(screen: Screen) -> None:
    page = screen.open("/customer/list")
    page.locator("summary[aria-label=Language]").click()
    page.get_by_role("link", name="简体中文").first.click()
    expect(page.locator("h1")).to_have_text("客户")
    expect(page).to_have_url(re.compile("/customer/list"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    screen.open("/opportunity/list")
    expect(page.locator("h1")).to_have_text("商机")
    screen.check()


def test_dark_and_light_are_switched_remembered_and_set_before_drawing(screen: Screen) -> None:
    page = screen.open("/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.locator(".top > .top-tools > [data-theme-switch]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto(f"{screen.address}/admin/task/list", wait_until="commit")
    page.wait_for_selector("body", state="attached")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    screen.check()


def test_text_that_attacks_is_shown_as_text(screen: Screen) -> None:
    page = screen.open("/contact/list?search=script")
    expect(page.locator("tbody th a").first).to_contain_text("<script>")
    page.locator("tbody th a").first.click()
    expect(page.locator("h1")).to_contain_text(ATTACK[:30])
    screen.check()
