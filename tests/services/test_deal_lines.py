"""The lines of a deal: prices, discounts, and the amount that follows them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Actor, Scope, system
from crm.db import Database
from crm.errors import BadInput, Conflict, Forbidden
from crm.models import AuditEntry, Opportunity, OpportunityLine
from crm.services import opportunity_amounts, opportunity_moves, records
from tests import factories
from tests.services.sales import Sales, department


@pytest.fixture
def sales(database: Database) -> Iterator[Sales]:
    with database.transaction(system("test")) as session:
        yield department(session)


def amount_of(deal: Opportunity) -> Decimal | None:
    """What it is now, whatever it was a line before."""
    return deal.amount


def test_a_line_takes_name_and_price_from_its_product(sales: Sales) -> None:
    deal = sales.deal()
    line = sales.line(deal, product_id=sales.products["Licence"].id, quantity=Decimal(3))
    assert (line.name, line.unit_price, line.total) == ("Licence", Decimal("99.99"), Decimal("299.97"))
    own = sales.line(deal, product_id=sales.products["Licence"].id, name="Seat", unit_price=Decimal(80))
    assert (own.name, own.unit_price, own.total) == ("Seat", Decimal(80), Decimal(80))
    sales.change(own, product_id=sales.products["Service"].id, unit_price=Decimal(7))
    assert (own.name, own.total) == ("Service", Decimal(7))


@pytest.mark.parametrize(
    ("quantity", "price", "discount", "total"),
    [
        ("1", "0.01", "0.5", "0.01"),  # half a cent is a cent
        ("3", "33.33", "0.1", "89.99"),
        ("0.333", "100", "0", "33.30"),
        ("1", "-0.01", "0.5", "-0.01"),
        ("1", "10", "1", "0.00"),
        ("7", "1.005", "0", "7.04"),
    ],
)
def test_totals_are_rounded_half_up(sales: Sales, quantity: str, price: str, discount: str, total: str) -> None:
    numbers = {"quantity": Decimal(quantity), "unit_price": Decimal(price), "discount": Decimal(discount)}
    line = sales.line(sales.deal(), name="x", **numbers)
    assert str(line.total) == total
    sales.session.refresh(line)
    assert str(line.total) == total


def test_a_line_needs_a_name_a_price_and_sensible_numbers(sales: Sales) -> None:
    deal = sales.deal()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"name": "x"}, "unitPrice: is required where no product is given"),
        ({"unit_price": Decimal(1)}, "name: is required where no product is given"),
        ({"product_id": sales.products["Service"].id}, "unitPrice: is required, as the product has no list price"),
        ({"product_id": sales.products["Retired"].id}, "productId: is no longer for sale"),
        ({"product_id": sales.products["Gateway"].id}, "has its price in CNY, but the deal is in USD"),
        ({"name": "x", "unit_price": Decimal(1), "quantity": Decimal(0)}, "quantity: must be more than 0"),
        ({"name": "x", "unit_price": Decimal(1), "discount": Decimal("1.1")}, "discount: must be from 0 to 1"),
        ({"name": "x", "unit_price": Decimal(10**15), "quantity": Decimal(10)}, "larger than any amount"),
    ]
    for values, sentence in wrong:
        with pytest.raises(BadInput, match=sentence), sales.session.begin_nested():
            sales.line(deal, **values)
    sales.line(deal, name="x", unit_price=Decimal(10**15) * 9)
    with pytest.raises(BadInput, match="makes the deal larger"), sales.session.begin_nested():
        sales.line(deal, name="y", unit_price=Decimal(10**15))
    assert deal.amount == Decimal(10**15) * 9


def test_a_product_that_went_out_of_sale_stays_on_lines_that_have_it(sales: Sales) -> None:
    line = sales.line(sales.deal(), product_id=sales.products["Licence"].id)
    sales.change(sales.products["Licence"], active=False)
    sales.change(line, quantity=Decimal(2))
    assert line.total == Decimal("199.98")


def test_the_amount_follows_the_lines_from_the_first_to_the_last(sales: Sales) -> None:
    deal = sales.deal()
    first = sales.line(deal, name="x", unit_price=Decimal(10))
    second = sales.line(deal, name="y", unit_price=Decimal(5), quantity=Decimal(2))
    assert deal.amount == 20
    sales.change(first, discount=Decimal("0.5"))
    assert deal.amount == 15
    records.delete(sales.session, second)
    assert deal.amount == 5
    records.delete(sales.session, first)
    assert amount_of(deal) is None
    told = [(row.before, row.after) for row in sales.history(deal)[1:]]
    amounts = [None, "10.00 USD", "20.00 USD", "15.00 USD", "5.00 USD", None]
    assert told == list(pairwise(amounts))
    audited = select(AuditEntry.action).where(AuditEntry.entity == "opportunity_line").order_by(AuditEntry.id)
    assert list(sales.session.scalars(audited)) == ["create", "create", "update", "purge", "purge"]


def test_an_amount_that_was_sent_stays_until_it_is_taken_away(sales: Sales) -> None:
    deal = sales.deal(amount=Decimal(100))
    sales.line(deal, name="x", unit_price=Decimal(10))
    assert (deal.amount, deal.amount_by_hand) == (Decimal(100), True)
    sales.change(deal, amount=None)
    assert (deal.amount, deal.amount_by_hand) == (Decimal(10), False)
    sales.change(deal, amount=Decimal(10))  # what a client read and sends back is no decision
    assert not deal.amount_by_hand
    sales.change(deal, amount=Decimal(99))
    sales.line(deal, name="y", unit_price=Decimal(1))
    assert (deal.amount, deal.amount_by_hand) == (Decimal(99), True)
    opportunity_amounts.follow_lines(sales.session, deal)
    assert (deal.amount, deal.amount_by_hand) == (Decimal(11), False)
    with pytest.raises(Conflict, match="follows the lines already"):
        opportunity_amounts.follow_lines(sales.session, deal)


def test_a_deal_without_lines_that_follows_them_has_no_amount(sales: Sales) -> None:
    deal = sales.deal(amount=Decimal(5))
    opportunity_amounts.follow_lines(sales.session, deal)
    assert deal.amount is None


def test_the_lines_of_a_closed_deal_stay(sales: Sales) -> None:
    deal = sales.deal()
    line = sales.line(deal, name="x", unit_price=Decimal(10))
    opportunity_moves.win(sales.session, deal)
    with pytest.raises(Conflict, match="closed deal stay"), sales.session.begin_nested():
        sales.line(deal, name="y", unit_price=Decimal(1))
    with pytest.raises(Conflict, match="closed deal stay"), sales.session.begin_nested():
        sales.change(line, quantity=Decimal(2))
    with pytest.raises(Conflict, match="closed deal stay"), sales.session.begin_nested():
        records.delete(sales.session, line)
    with pytest.raises(Conflict, match="closed deal stays"), sales.session.begin_nested():
        opportunity_amounts.follow_lines(sales.session, deal)
    opportunity_moves.reopen(sales.session, deal)
    sales.change(line, quantity=Decimal(2))
    assert deal.amount == 20


def test_a_line_that_changes_its_deal_changes_both_amounts(sales: Sales) -> None:
    one, two = sales.deal(), sales.deal()
    line = sales.line(one, name="x", unit_price=Decimal(10))
    sales.line(two, name="y", unit_price=Decimal(1))
    sales.change(line, opportunity_id=two.id)
    assert (one.amount, two.amount) == (None, Decimal(11))


def test_the_currency_stays_while_there_are_lines(sales: Sales) -> None:
    deal = sales.deal()
    line = sales.line(deal, name="x", unit_price=Decimal(10))
    with pytest.raises(BadInput, match="currency: cannot change"), sales.session.begin_nested():
        sales.change(deal, currency="EUR")
    records.delete(sales.session, line)
    sales.change(deal, currency="EUR")
    assert deal.currency == "EUR"


def test_lines_are_added_to_ones_own_deals_only(database: Database) -> None:
    with database.transaction(system("test")) as session:
        me = factories.user(session).id
        foreign, mine = department(session).deal(), records.create(session, Opportunity, {"name": "x", "owner_id": me})
        keys = foreign.id, mine.id
    grants = {"view_opportunities": Scope.ALL, "create_opportunity_line": Scope.OWN}
    with database.transaction(Actor(me, "me", grants)) as session:
        values = {"name": "x", "unit_price": Decimal(1)}
        with pytest.raises(Forbidden), session.begin_nested():
            records.create(session, OpportunityLine, {"opportunity_id": keys[0], **values})
        records.create(session, OpportunityLine, {"opportunity_id": keys[1], **values})


def test_lines_that_are_added_at_once_are_all_counted(database: Database) -> None:
    with database.transaction(system("test")) as session:
        key = department(session).deal().id

    def add(number: int) -> None:
        with database.transaction(system("test")) as session:
            values = {"opportunity_id": key, "name": f"Line {number}", "unit_price": Decimal(number)}
            records.create(session, OpportunityLine, values)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(1, 13)))
    with database.read_only(system("test")) as session:
        assert session.get_one(Opportunity, key).amount == sum(range(1, 13))
