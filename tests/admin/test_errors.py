"""What goes wrong is told on a page: inside the menu to those who are signed in, with a way on to everybody."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from crm.admin import dashboard, errors
from tests.admin.conftest import Visitor

MENU = '<nav class="side"'


def test_who_is_signed_in_keeps_the_menu_and_finds_back(admin: Visitor, visitor: Any) -> None:
    gone = admin.get("/contact/details/999")
    assert gone.status_code == 404
    assert MENU in gone.text
    assert '<a class="btn" href="/admin/contact/list">' in gone.text
    refused = visitor(view_contacts=Scope.OWN).get("/user/list")
    assert refused.status_code == 403
    assert MENU in refused.text
    assert "No access" in refused.text
    assert 'href="/admin/user/list"' not in refused.text


def test_a_page_that_crashed_says_so_inside_the_menu_and_tells_nothing(
    admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> Any:
        raise RuntimeError("SELECT secret FROM somewhere")

    monkeypatch.setattr(dashboard, "_context", broken)
    answer = admin.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert MENU in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    assert "SELECT" not in answer.text
    assert admin.get("/", headers={"accept": "application/json"}).json()["message"].startswith("Something went wrong")


def test_should_even_that_page_fail_a_line_of_text_is_left(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("no template")

    monkeypatch.setattr(dashboard, "_context", broken)
    monkeypatch.setattr(errors, "page", broken)
    answer = admin.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/plain; charset=utf-8")
    assert "template" not in answer.text


@pytest.mark.parametrize(
    ("sent", "status"), [({"csrf_token": "stale"}, 403), ({"name": "x" * 3_000_000}, 413)], ids=["stale", "large"]
)
def test_what_the_door_turns_away_is_told_inside_the_menu(admin: Visitor, sent: dict[str, str], status: int) -> None:
    answer = admin.post("/contact/create", sent)
    assert answer.status_code == status
    assert MENU in answer.text
    assert "That did not work" in answer.text


def test_who_is_signed_out_meanwhile_is_told_and_led_to_the_sign_in(stranger: Visitor) -> None:
    answer = stranger.call("POST", "/contact/create", data={"name": "Typed for an hour"})
    assert answer.status_code == 401
    assert "nothing was saved" in answer.text
    assert MENU not in answer.text
    assert '<a class="btn btn-primary" href="/admin/login">' in answer.text


def test_the_sentences_are_in_the_readers_language(admin: Visitor) -> None:
    for path, heading in (("/contact/details/999", "未找到"), ("/nothing", "未找到")):
        cookies = {"cookie": f"crm_session={admin.cookie}; crm_lang=zh"}
        assert heading in admin.client.get(f"/admin{path}", headers=cookies).text
