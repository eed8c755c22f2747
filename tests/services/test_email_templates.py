"""Mail templates are checked when they are saved, kept in every version, and filled in with what the actor sees."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope, system
from crm.db import Database
from crm.errors import BadInput, Conflict, NotFound
from crm.mail import sandbox
from crm.models import Contact, Customer, EmailMessage, EmailTemplate, EmailTemplateVersion, Opportunity, Task
from crm.rights import load_actor
from crm.services import email_templates, email_variables, records
from crm.settings import Settings
from tests import factories


def made(session: Any, **chosen: Any) -> EmailTemplate:
    values = {"name": "Hello", "code": "hello", "subject": "Hello {{ contact.name }}", "text_body": "Hi"}
    template: EmailTemplate = records.create(session, EmailTemplate, {**values, **chosen})
    return template


def test_each_change_of_a_text_is_a_version(database: Database) -> None:
    with database.transaction(system("test")) as session:
        template = made(session)
        records.update(session, template, {"text_body": "Hi again"})
        records.update(session, template, {"name": "Another name"})
        records.update(session, template, {"text_body": "Hi again"})
        found = session.execute(select(EmailTemplateVersion.number, EmailTemplateVersion.text_body)).all()
        assert [tuple(row) for row in found] == [(1, "Hi"), (2, "Hi again")]
        assert template.number == 2


def test_an_earlier_version_comes_back_as_a_new_one(database: Database) -> None:
    with database.transaction(system("test")) as session:
        template = made(session)
        records.update(session, template, {"text_body": "Worse"})
        email_templates.restore_version(session, template, number=1)
        session.flush()
        assert (template.text_body, template.number) == ("Hi", 3)
        with pytest.raises(Conflict):
            email_templates.restore_version(session, template, number=3)
        with pytest.raises(NotFound):
            email_templates.restore_version(session, template, number=9)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"subject": "{{ contact.nme }}"}, "subject"),
        ({"text_body": "{% if contact.name %}{{ deal.name }}{% endif %}"}, "textBody"),
        ({"html_body": "<p>{{ opportunity.name }}</p>"}, "htmlBody"),
        ({"text_body": "{% if contact.name < 3 %}x{% endif %}"}, "textBody"),
        ({"text_body": "{% for n in range(9) %}x{% endfor %}"}, "textBody"),
        ({"text_body": " "}, "textBody"),
        ({"language": "fr"}, "language"),
        ({"about": "user"}, "about"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_when_it_is_saved(
    database: Database, values: dict[str, str], field: str
) -> None:
    with pytest.raises(BadInput) as caught, database.transaction(system("test")) as session:
        made(session, **values)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_template_for_another_kind_of_record_must_fit_it_too(database: Database) -> None:
    with database.transaction(system("test")) as session:
        template = made(session, about="opportunity", text_body="{{ opportunity.amount }}")
        with pytest.raises(BadInput, match="knows no variable"):
            records.update(session, template, {"about": "contact"})


@pytest.mark.parametrize("about", email_variables.ABOUT)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_known_variable_has_a_sample(database: Database, about: str, language: str) -> None:
    names = sandbox.names_of(email_variables.known(about))
    text = "\n".join(f"{{{{ {name} }}}}" for name in names)
    with database.transaction(system("test")) as session:
        mail = email_templates.preview(session, made(session, about=about, language=language, text_body=text))
    assert len(mail.text.splitlines()) > 20
    assert "<p" in mail.html


def test_a_mail_tells_of_deal_customer_contact_and_sender(database: Database, settings: Settings) -> None:
    with database.transaction(system("test")) as session:
        user_id = factories.user(session, admin=True).id
        customer = factories.make(Customer, session, name="王氏 & Sons")
        contact = factories.make(Contact, session, name="王波", customer_id=customer.id)
        deal = factories.make(
            Opportunity, session, name="Machines", customer_id=customer.id, amount=Decimal("1200.50"), currency="CNY"
        )
        money = "{{ opportunity.amount | money(opportunity.currency) }}"
        text = f"{{{{ contact.name }}}}|{{{{ customer.name }}}}|{money}|{{{{ sender.name }}}}"
        template = made(session, about="opportunity", text_body=text, html_body=f"<p>{text}</p>")
        template_id, deal_id, contact_id = template.id, deal.id, contact.id
        actor = load_actor(session, user_id)
    assert actor is not None
    with database.read_only(actor) as session:
        deal, contact = session.get_one(Opportunity, deal_id), session.get_one(Contact, contact_id)
        template = session.get_one(EmailTemplate, template_id)
        mail = email_templates.fill(session, settings, template, record=deal, contact=contact)
    assert mail.text.startswith("王波|王氏 & Sons|¥1,200.50|User ")
    assert "王氏 &amp; Sons" in mail.html


def test_what_the_sender_may_not_see_is_left_out(database: Database, settings: Settings) -> None:
    with database.transaction(system("test")) as session:
        user = factories.user(session, {"view_contacts": Scope.ALL, "view_email_templates": Scope.ALL})
        customer = factories.make(Customer, session, name="Secret Ltd")
        contact = factories.make(Contact, session, customer_id=customer.id)
        template = made(session, text_body="({{ customer.name }}{{ contact.customer }})")
        template_id, contact_id = template.id, contact.id
        actor = load_actor(session, user.id)
    assert actor is not None
    with database.read_only(actor) as session:
        template, contact = session.get_one(EmailTemplate, template_id), session.get_one(Contact, contact_id)
        mail = email_templates.fill(session, settings, template, record=contact, contact=contact)
    assert mail.text == "()\n"


def test_a_template_about_deals_needs_a_deal(database: Database, settings: Settings) -> None:
    with database.transaction(system("test")) as session:
        template = made(session, about="opportunity")
        with pytest.raises(BadInput, match="records of another kind"):
            email_templates.fill(session, settings, template, record=factories.make(Task, session), contact=None)


def test_a_test_goes_to_whoever_asks_for_it(database: Database) -> None:
    with database.transaction(system("test")) as session:
        user = factories.user(session, admin=True)
        template_id, address = made(session).id, user.email
        actor = load_actor(session, user.id)
    assert actor is not None
    with database.transaction(actor) as session:
        email_templates.send_test(session, session.get_one(EmailTemplate, template_id))
        message = session.scalars(select(EmailMessage)).one()
        assert (message.to_address, message.subject) == (address, "[Test] Hello Maria Weber")


def test_a_template_is_purged_with_its_versions(database: Database) -> None:
    with database.transaction(system("test")) as session:
        template = made(session)
        records.update(session, template, {"text_body": "Hi again"})
        records.delete(session, template)
        records.purge(session, template)
        assert session.scalars(select(EmailTemplateVersion), execution_options={"unscoped": True}).all() == []
