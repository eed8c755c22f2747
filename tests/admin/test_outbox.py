"""The outbox and the templates of mail, on the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from crm.actor import Scope
from crm.models import EmailTemplate
from crm.models.email_message import EmailState
from crm.services import emails
from tests.admin.conftest import Visitor
from tests.admin.mail_samples import messages, template


def test_uncertain_mail_stands_first_and_is_decided_by_buttons(admin: Visitor, as_system: Callable[..., Any]) -> None:
    with as_system() as session:
        for number, state in enumerate((EmailState.UNCERTAIN, EmailState.SENT, EmailState.REFUSED)):
            mail = emails.queue(session, to="a@b.example", subject=f"Mail {number}", text="T", key=str(number))
            mail.state, mail.smtp_code, mail.smtp_reply = state, 550, "no such user"
    page = admin.page("/outbox")
    assert page.index("Mail 0") < page.index("Mail 2") < page.index("Mail 1")
    assert "550 no such user" in page
    first = messages(as_system)[0]
    assert f"/admin/email-message/do/{first.id}/mark_delivered" in page
    answer = admin.post(f"/email-message/do/{first.id}/mark_delivered", {"back": "/admin/outbox"})
    assert answer.headers["location"] == "/admin/outbox"
    assert messages(as_system)[0].state is EmailState.SENT
    assert admin.page("/outbox?state=refused").count('class="mail"') == 1
    for odd in ("state=x", "page=abc", "page=99999999999999", "state=%00"):
        assert admin.get(f"/outbox?{odd}").status_code == 200


def test_a_mail_shows_what_it_says_and_what_happened(admin: Visitor, as_system: Callable[..., Any]) -> None:
    with as_system() as session:
        html = "<p>secret <b>offer</b></p>"
        number = emails.queue(session, to="a@b.example", subject="S", text="The text", html=html, key="k").id
    page = admin.page(f"/email-message/details/{number}")
    assert f"/admin/inbox/{number}/body" in page
    assert "secret <b>offer</b>" not in page
    assert page.count("The text") == 1
    assert "Queued" in page


def test_a_template_is_shown_in_both_languages(admin: Visitor, as_system: Callable[..., Any]) -> None:
    english = template(as_system, code="hello", language="en")
    chinese = template(as_system, code="hello", language="zh", text_body="您好，{{ contact.name }}")
    page = admin.page(f"/email-template/details/{english}")
    assert page.index("Dear Maria Weber") < page.index("您好，王芳")
    assert "{{ contact.job_title }}" in page
    body = admin.get(f"/email-template/body/{chinese}")
    assert "您好，王芳" in body.text
    assert body.headers["content-security-policy"].startswith("sandbox ")


def test_outbox_and_preview_are_for_those_who_may_see_them(
    visitor: Callable[..., Visitor], as_system: Callable[..., Any]
) -> None:
    number = template(as_system)
    nobody = visitor(view_contacts=Scope.ALL)
    assert nobody.get("/outbox").status_code == 403
    assert nobody.get(f"/email-template/body/{number}").status_code == 403
    with as_system() as session:
        emails.queue(session, to="a@b.example", subject="Theirs", text="T", key="k")
    assert "Theirs" not in visitor(view_email_messages=Scope.OWN).page("/outbox")


def test_a_template_is_written_in_a_form_with_its_few_words_to_choose(
    admin: Visitor, as_system: Callable[..., Any]
) -> None:
    form = admin.form("/email-template/create")
    assert (form["language"], form["about"]) == ("en", "contact")
    assert admin.page("/email-template/create").count('class="form-select"') == 2
    texts = {"name": "Hello", "code": "hello", "subject": "Hi {{ contact.nme }}", "text_body": "T", "about": "task"}
    refused = admin.post("/email-template/create", {**form, **texts})
    assert refused.status_code == 400
    assert "contact.nme" in refused.text
    assert "contact.email" in refused.text
    assert admin.post("/email-template/create", {**form, **texts, "subject": "Hi"}).status_code in (302, 303)
    with as_system() as session:
        assert session.scalars(select(EmailTemplate.about)).one() == "task"


def test_a_template_is_tried_out_before_it_is_saved(
    admin: Visitor, visitor: Callable[..., Visitor], as_system: Callable[..., Any]
) -> None:
    page = admin.page("/email-template/create")
    assert 'data-trial="/admin/email-template/try"' in page
    assert "{{ opportunity.amount }}" in page
    texts = {"subject": "关于 {{ opportunity.name }}", "about": "opportunity", "language": "zh", "text_body": "A<b>"}
    shown = admin.post("/email-template/try", texts)
    assert (shown.status_code, "关于 40 套软件许可" in shown.text, "&lt;b&gt;" in shown.text) == (200, True, True)
    assert shown.headers["content-security-policy"].startswith("sandbox ")
    wrong = admin.post("/email-template/try", {**texts, "html_body": "<p>{{ opportunity.nme }}</p>"})
    assert (wrong.status_code, "opportunity.nme" in wrong.text) == (400, True)
    assert admin.post("/email-template/try", {}).status_code == 400
    assert visitor(view_email_templates=Scope.ALL).post("/email-template/try", texts).status_code == 403
    with as_system() as session:
        assert session.scalar(select(EmailTemplate.id)) is None
