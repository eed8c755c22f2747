"""Column types hold the same value on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from crm.actor import system
from crm.db import Database
from crm.models import Customer, Pipeline, Product, Stage
from crm.models.base import Record

TEST = system("test")


@pytest.mark.parametrize("amount", ["0.01", "99999999999999.99", "-0.05", "0.00", "1234567890123456.78"])
def test_money_comes_back_to_the_cent(database: Database, amount: str) -> None:
    with database.transaction(TEST) as session:
        session.add(Product(name="P", code="p", unit_price=Decimal(amount)))
    with database.read_only(TEST) as session:
        assert str(session.scalars(select(Product.unit_price)).one()) == str(Decimal(amount))


@pytest.mark.parametrize(
    ("typed", "kept"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("1.004", "1.00")]
)
def test_halves_are_rounded_away_from_zero(database: Database, typed: str, kept: str) -> None:
    with database.transaction(TEST) as session:
        session.add(Product(name="P", code="p", unit_price=Decimal(typed)))
    with database.read_only(TEST) as session:
        assert str(session.scalars(select(Product.unit_price)).one()) == kept


def test_a_fraction_keeps_four_decimals(database: Database) -> None:
    with database.transaction(TEST) as session:
        session.add(Stage(name="S", pipeline=Pipeline(name="P"), default_probability=Decimal("0.1234")))
    with database.read_only(TEST) as session:
        assert session.scalars(select(Stage.default_probability)).one() == Decimal("0.1234")


def test_an_instant_comes_back_in_utc(database: Database) -> None:
    local = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with database.transaction(TEST) as session:
        session.add(Customer(name="C", created_at=local))
    with database.read_only(TEST) as session:
        kept = session.scalars(select(Customer.created_at)).one()
    assert kept == local
    assert kept.tzinfo is UTC or kept.utcoffset() == timedelta(0)


def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises((StatementError, ValueError), match="time zone"), database.transaction(TEST) as session:
        session.add(Customer(name="C", created_at=datetime(2026, 1, 1)))


def test_every_stored_thing_has_a_number_and_a_birthday() -> None:
    assert {"id", "created_at", "updated_at", "created_by", "version"} <= set(Customer.__table__.c.keys())
    assert issubclass(Customer, Record)
