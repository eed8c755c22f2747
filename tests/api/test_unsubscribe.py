"""The page behind the link in business mail: asks, does it on POST alone, and tells a stranger nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from crm.mail import unsubscribe_links
from crm.models import AuditEntry, EmailSuppression
from crm.models.email_message import EmailPurpose
from crm.services import emails
from tests.clients import World


@pytest.fixture
def path(world: World) -> str:
    """The link in a mail to Maria."""
    with world.session() as session:
        purpose = EmailPurpose.BUSINESS
        mail = emails.queue(session, to="maria@example.com", subject="S", text="T", key="k", purpose=purpose)
        return "/unsubscribe/" + unsubscribe_links.link(world.settings, mail.id).rpartition("/")[2]


def suppressed(world: World) -> list[str]:
    with world.session() as session:
        return list(session.scalars(select(EmailSuppression.address)))


def test_looking_at_the_page_changes_nothing(world: World, path: str) -> None:
    page = world.client.get(path)
    assert page.status_code == 200
    assert "m•••@e•••.com" in page.text
    assert "maria" not in page.text
    assert 'form method="post"' in page.text
    assert suppressed(world) == []


def test_pressing_the_button_does_it_without_any_session(world: World, path: str) -> None:
    assert world.client.post(path).status_code == 200
    assert suppressed(world) == ["maria@example.com"]
    page = world.client.get(path)
    assert "You get no more mail from us" in page.text
    assert 'form method="post"' not in page.text
    with world.session() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.entity == "email_suppression")).one()
        assert told.actor_name == "unsubscribe"


def test_a_mail_program_does_it_by_one_click(world: World, path: str) -> None:
    headers = {"origin": "https://mail.example", "sec-fetch-site": "cross-site"}
    for _ in range(2):
        answer = world.client.post(path, data={"List-Unsubscribe": "One-Click"}, headers=headers)
        assert answer.status_code == 200
    assert suppressed(world) == ["maria@example.com"]


def test_the_page_speaks_both_languages(world: World, path: str) -> None:
    assert '<html lang="zh-CN"' in world.client.get(path, headers={"accept-language": "zh-CN"}).text
    assert '<html lang="zh-CN"' in world.client.get(f"{path}?lang=zh").text


@pytest.mark.parametrize("token", ["x", "MQ.x", "%00", "a" * 5000])
def test_what_we_did_not_sign_is_not_found_and_not_tried_for_long(world: World, path: str, token: str) -> None:
    assert world.client.get(f"/unsubscribe/{token}").status_code == 404
    answers: list[Any] = [world.client.post(f"/unsubscribe/{token}") for _ in range(25)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert suppressed(world) == []
    assert world.client.get(path).status_code == 200


def test_the_page_carries_the_headers_of_the_panel(world: World, path: str) -> None:
    headers = world.client.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex"


def test_mail_to_colleagues_has_no_such_link(world: World) -> None:
    with world.session() as session:
        number = emails.queue(session, to="ann@example.com", subject="S", text="T", key="k").id
    token = unsubscribe_links.link(world.settings, number).rpartition("/")[2]
    assert world.client.post(f"/unsubscribe/{token}").status_code == 404
