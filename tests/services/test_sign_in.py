"""Signing in: messages and timing of production, better hashes, and the throttle."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.errors import CrmError, TooManyRequests, Unauthenticated
from crm.models import LoginThrottle, User
from crm.services import passwords, users
from crm.services.sign_in import sign_in
from crm.settings import Settings

PASSWORD = "a good passphrase 42"


class Door:
    """Tries to sign in, as the web doors do."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings

    async def __call__(self, username: str, password: str = PASSWORD, *, ip: str = "10.0.0.1") -> int:
        """The user's number; raises what the doors answer."""
        who: dict[str, Any] = {"username": username, "password": password, "ip": ip}
        return await sign_in(self.database, self.settings, then=lambda _session, user: user.id, **who)

    async def outcome(self, username: str, password: str = PASSWORD, *, ip: str = "10.0.0.1") -> str:
        try:
            await self(username, password, ip=ip)
        except CrmError as error:
            return f"{error.status} {error}"
        return "in"


@pytest.fixture
async def door(database: Database, settings: Settings, anyio_backend: str) -> AsyncIterator[Door]:
    with database.transaction(system("test")) as session:
        stored = passwords.hash_password(PASSWORD, 4)
        users.add(session, username="eve", email="eve@example.com", password_hash=stored)
    yield Door(database, settings)
    await database.dispose_async()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_in_production_nobody_learns_which_names_exist(door: Door) -> None:
    door.settings = door.settings.model_copy(update={"env": "production"})
    wrong = await door.outcome("eve", "wrong")
    assert wrong == await door.outcome("nobody", "wrong") == "401 Invalid username or password"


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(door: Door) -> None:
    """In CPU time, which other processes do not lengthen; at cost 9 hashing outweighs everything else."""
    door.settings = door.settings.model_copy(update={"env": "production", "bcrypt_cost": 9})
    with door.database.transaction(system("test")) as session:
        session.scalars(select(User)).one().password_hash = passwords.hash_password(PASSWORD, 9)
    passwords.dummy(9)
    took: dict[str, list[float]] = {"eve": [], "nobody": []}
    for number in range(8):
        for name, times in took.items():
            started = time.process_time()
            with pytest.raises(Unauthenticated):
                await door(name, "wrong", ip=f"10.0.1.{number}")
            times.append(time.process_time() - started)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.6 < known / unknown < 1.6


async def test_a_cheap_hash_is_made_anew_without_touching_version_or_audit(door: Door) -> None:
    door.settings = door.settings.model_copy(update={"bcrypt_cost": 5})
    number = await door("eve")
    with door.database.read_only(system("test")) as session:
        user = session.get_one(User, number)
        assert user.password_hash.startswith("$2b$05$")
        assert user.version == 1
        assert user.last_login_at is not None
    assert await door("eve") == number


# ---------------------------------------------------------------------------------------------- the throttle


async def test_guessing_is_slowed_down_more_and_more_but_never_beyond_a_minute(door: Door) -> None:
    moment, computed, waits = now(), 0, []
    with time_machine.travel(moment, tick=False) as clock:
        while clock_at(moment) < 3600:
            try:
                await door("eve", "wrong", ip="10.9.9.9")
            except TooManyRequests as refused:
                waits.append(refused.retry_after_s)
                clock.shift(timedelta(seconds=refused.retry_after_s))
            except Unauthenticated:
                computed += 1
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert set(waits[6:]) == {60}
    assert computed < 80


def clock_at(start: Any) -> float:
    return float((now() - start).total_seconds())


async def test_parallel_guesses_are_counted_before_they_are_answered(door: Door) -> None:
    import anyio

    outcomes: list[str] = []

    async def guess() -> None:
        outcomes.append(await door.outcome("eve", "wrong"))

    with time_machine.travel(now(), tick=False):  # however slowly they are answered, no delay runs out meanwhile
        async with anyio.create_task_group() as group:
            for _ in range(24):
                group.start_soon(guess)
    assert outcomes.count("401 Invalid password") <= 11
    assert sum(outcome.startswith("429") for outcome in outcomes) >= 13


async def test_success_starts_anew(door: Door) -> None:
    for _ in range(3):
        assert [await door.outcome("eve", "wrong") for _ in range(9)] == ["401 Invalid password"] * 9
        assert await door.outcome("eve") == "in"


async def test_an_attacker_elsewhere_does_not_keep_a_known_device_out(door: Door) -> None:
    assert await door.outcome("eve", ip="10.0.0.7") == "in"
    for number in range(14):
        await door.outcome("eve", "wrong", ip=f"10.6.6.{number}")
    assert (await door.outcome("eve", ip="10.6.6.99")).startswith("429")
    assert await door.outcome("eve", ip="10.0.0.7") == "in"


async def test_one_address_cannot_try_many_names(door: Door) -> None:
    outcomes = [await door.outcome(f"name{number}", "wrong", ip="10.6.6.6") for number in range(53)]
    assert outcomes[50] == "401 User not found"
    assert outcomes[52].startswith("429")
    assert await door.outcome("eve", ip="10.0.0.1") == "in"


async def test_the_table_holds_no_names_and_no_addresses(door: Door) -> None:
    await door.outcome("nobody@example.com", "wrong")
    with door.database.read_only(system("test")) as session:
        keys = session.scalars(select(LoginThrottle.key)).all()
    assert len(keys) == 2
    assert all(len(key) == 64 and key.isalnum() for key in keys)
