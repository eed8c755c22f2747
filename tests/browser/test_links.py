"""What scripts add to forms: records found by name, colleagues behind @, members by name, files for a mail."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import DESKTOP, PHONE, Screen

BOTH = pytest.mark.parametrize("screen", [DESKTOP, PHONE], indirect=True, ids=["desktop", "phone"])


def file(name: str, size: int) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": b"x" * size}


@BOTH
def test_a_record_is_found_by_name_with_the_keyboard_and_its_kind_follows(screen: Screen) -> None:
    page = screen.open("/task/create")
    page.fill("#title", "Call them")
    page.locator("#record_id + .select2-container").get_by_role("combobox").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Castellan")
    expect(page.locator(".select2-results__option--highlighted")).to_have_text("Castellan Paper")
    page.keyboard.press("Enter")
    expect(page.locator("#record_type")).to_have_value("customer")
    expect(page.locator(".record-link a")).to_contain_text("Castellan Paper")
    expect(page.locator(".record-link a")).to_have_attribute("href", "/admin/customer/details/8")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".pairs").first).to_contain_text("Castellan Paper")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    screen.check()


def test_another_kind_empties_the_record_and_asks_for_one_of_its_own(screen: Screen) -> None:
    page = screen.open("/task/create?record_type=customer&record_id=8")
    expect(page.locator("#record_id")).to_have_value("8")
    page.select_option("#record_type", "contact")
    expect(page.locator("#record_id")).to_have_value("")
    expect(page.locator(".record-link a")).to_be_hidden()
    page.keyboard.type("Kowalska 2")
    expect(page.locator(".select2-results__option--highlighted")).to_have_text("Anna Kowalska 2")
    page.keyboard.press("Enter")
    expect(page.locator(".record-link a")).to_contain_text("Anna Kowalska 2")
    screen.check()


@BOTH
def test_a_colleague_is_named_by_typing_their_name_behind_an_at(screen: Screen) -> None:
    page = screen.open("/customer/edit/3")
    notes = page.locator("#description")
    notes.fill("")
    notes.press_sequentially("Ask @lind")
    expect(page.locator(".mentions [role=option]")).to_have_text(["Mara Lindqvist@mara"])
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.keyboard.press("Enter")
    expect(notes).to_have_value("Ask @mara ")
    expect(page.locator(".mentions")).to_have_count(0)
    notes.press_sequentially("or @zzz")
    expect(page.locator(".mentions")).to_have_count(0)
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    expect(page.locator(".mentions [role=option]").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".mentions")).to_have_count(0)
    screen.check()


def test_contacts_are_taken_into_a_group_by_name_and_out_again(screen: Screen) -> None:
    page = screen.open("/contact-group/create")
    page.fill("#name", "Guests of the fair")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#members")).to_contain_text("Nobody is in this group yet.")
    page.locator(".member-add .select2-search__field").press_sequentially("Solberg 3")
    expect(page.locator(".select2-results__option--highlighted")).to_have_text("Ingrid Solberg 3")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".member-list")).to_contain_text("Ingrid Solberg 3")
    page.get_by_role("button", name="Remove Ingrid Solberg 3").click()
    expect(page.locator("#members")).to_contain_text("Nobody is in this group yet.")
    screen.check()


@BOTH
def test_a_file_for_a_mail_is_sent_with_it_and_one_that_is_too_large_is_not(screen: Screen) -> None:
    page = screen.open("/customer/mail/8")
    page.fill("#to", "bo@example.com")
    page.fill("#subject", "Offer")
    page.fill("#text", "Here it is.")
    page.eval_on_selector("#file", "input => { input.dataset.most = '0'; }")  # no need to make 20 MiB
    page.set_input_files("#file", [file("a.txt", 11), file("b.txt", 11)])
    expect(page.locator("#file-note")).to_contain_text("20 MiB in all")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#file")).to_be_visible()
    page.eval_on_selector("#file", "input => { input.dataset.most = '20'; }")
    page.set_input_files("#file", [file("offer.txt", 11)])
    expect(page.locator("#file-note")).to_contain_text("kept with the record")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#files")).to_contain_text("offer.txt")
    screen.check()


@BOTH
def test_the_add_menu_and_the_bell_stay_on_the_screen(screen: Screen) -> None:
    page = screen.open("/customer/details/8")
    page.locator(".head-tools details summary").click()
    for panel in (page.locator(".head-tools .menu-panel"), page.locator(".news-panel")):
        if panel.is_hidden():
            page.locator("details.bell summary").click()
        box, view = panel.bounding_box(), page.viewport_size
        assert box is not None
        assert view is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= view["width"]
    screen.check()
