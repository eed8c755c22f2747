"""Templates of people read known values and do nothing else; what they may not say is named when they are saved."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm.errors import BadInput
from crm.mail import sandbox

KNOWN: dict[str, Any] = {
    "contact": {"name": None, "email": None},
    "opportunity": {"amount": None, "currency": None, "lines": [{"name": None}]},
}
VALUES: dict[str, Any] = {
    "contact": {"name": "<Bo>", "email": None},
    "opportunity": {"amount": Decimal("1250.5"), "currency": "CNY", "lines": [{"name": "A"}, {"name": "B"}]},
}


def filled(source: str, *, html: bool = False, language: str = "en") -> str:
    sandbox.check("subject", source, KNOWN)
    return sandbox.render(source, VALUES, html=html, language=language, zone="UTC")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Dear {{ contact.name }}", "Dear <Bo>"),
        ("Dear {{ contact['name'] }}", "Dear <Bo>"),
        ("{{ contact.email }}{{ contact.email | default('none') }}", "none"),
        ("{{ opportunity.amount | money(opportunity.currency) }}", "¥1,250.50"),
        ("{% for line in opportunity.lines %}{{ line.name }};{% else %}-{% endfor %}", "A;B;"),
        ("{% if contact.email %}a{% elif not contact.name %}b{% else %}c{% endif %}", "c"),
        ("{{ (contact.name ~ '!') | upper | truncate(3) }}", "<B…"),
    ],
)
def test_values_are_filled_in(source: str, text: str) -> None:
    assert filled(source) == text


def test_values_are_escaped_in_html() -> None:
    assert filled("<b>{{ contact.name }}</b>", html=True) == "<b>&lt;Bo&gt;</b>"


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact.nme }}",
        "{% if false %}{{ contact.nme }}{% endif %}",
        "{{ contact.name if contact.nme is defined else '' }}",
        "{{ contact.name | default(contact.nme) }}",
        "{% for line in opportunity.lines %}{{ contact.nme }}{% endfor %}",
        "{% for line in opportunity.lines if contact.nme %}x{% endfor %}",
    ],
)
def test_an_unknown_variable_is_named_with_the_known_ones_wherever_it_stands(source: str) -> None:
    with pytest.raises(BadInput) as caught:
        sandbox.check("subject", source, KNOWN)
    assert str(caught.value) == ("subject: knows no variable 'contact.nme'; known are: contact.email, contact.name")


@pytest.mark.parametrize(
    "source",
    [
        "{{ contact }}",
        "{{ nobody }}",
        "{{ line.name }}",
        "{{ contact.name.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ contact['__class__'] }}",
        "{{ contact[contact.name] }}",
        "{{ contact.items() }}",
        "{{ contact.name | attr('upper') }}",
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ [1, 2] }}",
        "{{ self }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "1" * 5000 + " }}",
        "{{ ",
        "{% if %}",
        "{% set x = 1 %}",
        "{% include 'base.html' %}",
        "{% extends 'base.html' %}",
        "{% import 'base.html' as x %}",
        "{% macro x() %}{% endmacro %}",
        "{% filter upper %}x{% endfilter %}",
        "{% for i in range(10) %}{% endfor %}",
        "{% for c in contact.name %}{% endfor %}",
        "{% for a in opportunity.lines %}{% for b in opportunity.lines %}{% endfor %}{% endfor %}",
        "{% for a in opportunity.lines recursive %}{% endfor %}",
    ],
)
def test_nothing_else_can_be_said(source: str) -> None:
    with pytest.raises(BadInput, match=r"^subject: "):
        sandbox.check("subject", source, KNOWN)


def test_what_a_check_did_not_see_is_refused_when_it_is_filled_in() -> None:
    for source in ("{{ contact.__class__ }}", "{{ contact.name.upper() }}", "{{ cycler }}", "{{ contact.items }}"):
        with pytest.raises(BadInput, match="cannot be filled in"):
            sandbox.render(source, VALUES, html=False, language="en", zone="UTC")


@pytest.mark.parametrize("source", ["{{ contact.name | money }}", "{{ contact.name | percent }}"])
def test_what_is_no_number_is_named(source: str) -> None:
    with pytest.raises(BadInput, match="'<Bo>' is not a number"):
        filled(source)


def test_a_mail_does_not_grow_without_end() -> None:
    many = {**VALUES, "opportunity": {"lines": [{"name": "x" * 1000}] * 1000}}
    source = "{% for line in opportunity.lines %}{{ line.name }}{% endfor %}"
    with pytest.raises(BadInput, match="longer than"):
        sandbox.render(source, many, html=False, language="en", zone="UTC")


def test_filled_in_values_are_never_read_as_a_template() -> None:
    evil = {**VALUES, "contact": {"name": "{{ opportunity.amount }}", "email": None}}
    text = sandbox.render("{{ contact.name }}", evil, html=False, language="en", zone="UTC")
    assert text == "{{ opportunity.amount }}"
