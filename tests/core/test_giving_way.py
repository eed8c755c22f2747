"""Two transactions that wait for each other: the database gives one up, and the one write path does it again."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm import access
from crm.actor import system
from crm.db import TRIES, Database
from crm.models import Customer
from crm.services import records

TEST = system("test")


def _two(database: Database) -> list[int]:
    with database.transaction(TEST) as session:
        return [records.create(session, Customer, {"name": f"Customer {n}", "size": 0}).id for n in range(2)]


@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_transaction_that_was_given_up_is_done_again_from_its_beginning(database: Database, backend: str) -> None:
    keys, begun, held = _two(database), list[int](), set[int]()

    def count_both(session: Session, order: list[int]) -> None:
        begun.append(order[0])
        for key in order:
            customer = access.find(session, Customer, key, lock=True)
            records.update(session, customer, {"size": (customer.size or 0) + 1})
            held.add(key)
            while len(held) < 2:  # each has one
                session.execute(text("SELECT pg_sleep(0.01)"))

    async def both() -> None:
        orders = (keys, keys[::-1])
        await asyncio.gather(*(database.run(TEST, count_both, order) for order in orders))
        await database.dispose_async()

    asyncio.run(both())
    assert len(begun) == 3  # one of the two began twice
    with database.read_only(TEST) as session:
        assert [access.find(session, Customer, key).size for key in keys] == [2, 2]


@pytest.mark.parametrize("backend", ["postgresql"])
def test_one_that_is_given_up_every_time_ends_with_the_error(database: Database, backend: str) -> None:
    begun = list[int]()

    def never(session: Session) -> None:
        begun.append(1)
        session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$"))

    def wrong(session: Session) -> None:
        begun.append(1)
        session.execute(text("SELECT 1 / 0"))

    async def ask() -> None:
        for service, times in ((never, TRIES), (wrong, 1)):
            begun.clear()
            with pytest.raises(DBAPIError):
                await database.run(TEST, service)
            assert len(begun) == times
        await database.dispose_async()

    asyncio.run(ask())
