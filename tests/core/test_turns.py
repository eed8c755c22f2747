"""Turns at connections: whoever came first is first, and nobody waits for ever."""

from __future__ import annotations

import asyncio

import pytest

from crm.turns import Turns


def test_those_who_wait_are_served_in_the_order_in_which_they_came() -> None:
    served: list[int] = []

    async def one(turns: Turns, number: int) -> None:
        for _ in range(3):  # whoever is done comes again at once, and waits behind the others
            async with turns:
                served.append(number)
                await asyncio.sleep(0)

    async def all_of_them() -> None:
        turns = Turns(2, patience_s=5)
        await asyncio.gather(*(one(turns, number) for number in range(5)))

    asyncio.run(all_of_them())
    assert served == list(range(5)) * 3


def test_a_wait_ends_and_takes_no_turn_away() -> None:
    async def wait() -> None:
        turns = Turns(1, patience_s=0.01)
        async with turns:
            with pytest.raises(TimeoutError):
                await turns.__aenter__()
        async with turns:
            pass

    asyncio.run(wait())
