"""A template that breaks where a value is empty is refused when it is saved, with the variable's name; and an old one
when it is filled in.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from crm.actor import system
from crm.db import Database
from crm.errors import BadInput
from crm.mail.authored import Source
from crm.models import Contact, EmailTemplate, Opportunity
from crm.services import email_templates, records
from crm.settings import Settings
from tests import factories

AMOUNT = "opportunity.amount > 1000"


def saved(database: Database, text: str, **chosen: Any) -> int:
    with database.transaction(system("test")) as session:
        values = {"name": "Offer", "code": "offer", "about": "opportunity", "subject": "Offer", "text_body": text}
        return int(records.create(session, EmailTemplate, {**values, **chosen}).id)


@pytest.mark.parametrize(
    "text",
    [
        f"{{% if {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.name and {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.name or {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.currency == 'EUR' and {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.currency == 'EUR' %}}{{{{ 'a' if {AMOUNT} else 'b' }}}}{{% endif %}}",
        f"{{% if contact.name %}}{{% elif {AMOUNT} %}}x{{% endif %}}",
        f"{{% if contact.name %}}{{% else %}}{{% if {AMOUNT} %}}x{{% endif %}}{{% endif %}}",
        f"{{% if not opportunity.amount and {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.amount %}}x{{% else %}}{{% if {AMOUNT} %}}x{{% endif %}}{{% endif %}}",
        f"{{% if opportunity.amount %}}x{{% endif %}}{{% if contact.name and {AMOUNT} %}}x{{% endif %}}",
        f"{{% for line in opportunity.lines %}}{{% if line.name == 'x' and {AMOUNT} %}}x{{% endif %}}{{% endfor %}}",
        f"{{% for line in opportunity.lines if line.name == 'x' and {AMOUNT} %}}x{{% endfor %}}",
        "{% if contact.name and opportunity.amount is gt(1000) %}x{% endif %}",
        "{% if contact.name and 1 < opportunity.amount < 1000 %}x{% endif %}",
        "{% if contact.name and 3 in opportunity.amount %}x{% endif %}",
        "{{ 3 < (opportunity.amount | default(none)) if contact.name == 'x' else '' }}",
        "{% if contact.name == 'x' and opportunity.amount | default('none') > 3 %}x{% endif %}",
        "{{ contact.name | truncate(opportunity.amount) if contact.name == 'x' else '' }}",
        "{{ 'Sum: ' ~ opportunity.amount }}",
    ],
)
@pytest.mark.parametrize("field", ["text_body", "html_body", "subject"])
def test_an_empty_value_that_would_break_it_is_named_when_it_is_saved(
    database: Database, text: str, field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        saved(database, **{"text": "x", field if field != "text_body" else "text": text})
    (error,) = caught.value.errors
    assert error.field == {"text_body": "textBody", "html_body": "htmlBody", "subject": "subject"}[field]
    assert "opportunity.amount" in str(caught.value) or "not iterable" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{% if contact.name == 'x' and contact.email > 3 %}x{% endif %}",
        "{% if contact.name == 'x' %}{{ contact.email | money }}{% endif %}",
        "{% if contact.name == 'x' %}{{ contact.email | upper(1, 2) }}{% endif %}",
        "{% for line in opportunity.lines %}{% if line.name == 'x' and line.quantity > 'a' %}x{% endif %}{% endfor %}",
    ],
)
def test_what_never_fits_is_refused_in_branches_that_no_sample_takes(database: Database, text: str) -> None:
    with pytest.raises(BadInput, match=r"^textBody: "):
        saved(database, text)


def test_the_sentence_says_how_to_guard_it(database: Database) -> None:
    with pytest.raises(BadInput) as caught:
        saved(database, f"Hello\n{{% if contact.name and {AMOUNT} %}}x{{% endif %}}")
    assert str(caught.value) == (
        "textBody: 'opportunity.amount' may be empty, which line 2 does not allow for; "
        "guard it: {% if opportunity.amount %}…{% endif %}"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"{{% if opportunity.amount and {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.amount %}}{{% if contact.name and {AMOUNT} %}}x{{% endif %}}{{% endif %}}",
        f"{{% if not opportunity.amount %}}{{% elif {AMOUNT} %}}x{{% else %}}{{{{ {AMOUNT} }}}}{{% endif %}}",
        f"{{% if opportunity.amount is not none and {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.amount is none or {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.amount != none and contact.name and {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.amount == 5 %}}{{% if {AMOUNT} %}}x{{% endif %}}{{% endif %}}",
        f"{{{{ 'a' if opportunity.amount and {AMOUNT} else 'b' }}}}",
        f"{{% if opportunity.amount | money %}}{{% if {AMOUNT} %}}x{{% endif %}}{{% endif %}}",
        f"{{% if (opportunity.amount and contact.name) and {AMOUNT} %}}x{{% endif %}}",
        f"{{% if opportunity.amount %}}{{% for l in opportunity.lines if {AMOUNT} %}}x{{% endfor %}}{{% endif %}}",
        "{% if opportunity.amount | default(0) > 1000 %}x{% endif %}",
        "{{ 'Sum: ' ~ (opportunity.amount or 0) }}{{ 'Sum: ' ~ opportunity.amount if opportunity.amount else '' }}",
        "{% for line in opportunity.lines %}{% if line.quantity > 1 %}{{ line.total | money }}{% endif %}{% endfor %}",
        "{{ opportunity.amount | money(opportunity.currency) }} {{ opportunity.expected_close_date | date }}",
        "{% if opportunity.stage == 'won' %}{{ customer.name | upper | truncate(9) }}{% endif %}",
        "{% if opportunity.expected_close_date and today > opportunity.expected_close_date %}x{% endif %}",
    ],
)
def test_what_is_guarded_is_saved_and_stands_a_record_without_the_value(
    database: Database, settings: Settings, text: str
) -> None:
    number = saved(database, text, html_body=f"<p>{text}</p>")
    with database.transaction(system("test")) as session:
        template = session.get_one(EmailTemplate, number)
        for amount in (None, Decimal(5), Decimal(5000)):
            deal = factories.make(Opportunity, session, amount=amount, expected_close_date=None, contact_id=None)
            email_templates.fill(session, settings, template, record=deal, contact=None)


def test_an_old_template_is_refused_by_name_when_it_is_filled_in(database: Database, settings: Settings) -> None:
    number = saved(database, "x")
    guarded = f"{{% if opportunity.amount %}}{{% if {AMOUNT} %}}a{{% endif %}}{{% endif %}}"
    old = f"{guarded}\n{{% if {AMOUNT} %}}b{{% endif %}}"
    with database.transaction(system("test")) as session:
        changed = update(EmailTemplate).values(text_body=old)
        session.execute(changed, execution_options={"unscoped": True})
    with database.transaction(system("test")) as session:
        template = session.get_one(EmailTemplate, number)
        deal = factories.make(Opportunity, session, amount=None)
        with pytest.raises(BadInput) as caught:
            email_templates.fill(session, settings, template, record=deal, contact=None)
        told = "The template 'Offer' cannot be filled in: 'opportunity.amount' is empty here (line 2)"
        assert str(caught.value) == told
        deal = factories.make(Opportunity, session, amount=Decimal(5000))
        assert email_templates.fill(session, settings, template, record=deal, contact=None).text == "ab\n"


def test_a_text_changed_for_the_occasion_is_refused_by_name_too(database: Database, settings: Settings) -> None:
    number = saved(database, "x")
    with database.transaction(system("test")) as session:
        template, person = session.get_one(EmailTemplate, number), factories.make(Contact, session)
        deal = factories.make(Opportunity, session, amount=None)
        fill = partial(email_templates.fill_texts, session, settings, template, record=deal, contact=person)
        with pytest.raises(BadInput, match=r"template 'Offer' .* 'opportunity.amount' is empty here"):
            fill(Source("S", f"{{{{ {AMOUNT} }}}}"))
        with pytest.raises(BadInput, match=r"template 'Offer' cannot be filled in: .*not supported"):
            fill(Source("S", "{{ 'a' > 3 }}"))


def test_a_template_of_too_many_expressions_is_refused(database: Database) -> None:
    text = "".join(f"{{{{ 'a' if contact.name == '{n}' else '' }}}}" for n in range(501))
    with pytest.raises(BadInput, match="at most 500 different expressions"):
        saved(database, text)
