"""Passwords: any length and character counts whole; what production refuses as a new one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm.errors import BadInput, TooManyRequests
from crm.services import passwords
from crm.services.password_blocklist import is_common
from crm.settings import Settings


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> Settings:
    return Settings(_env_file=None, env="production", jwt_secret="x" * 32)


@pytest.mark.parametrize("length", [0, 1, 71, 72, 73, 500, 10_000])
@pytest.mark.parametrize("character", ["x", "密", "🔑", "\x00", "\ud800"])
def test_every_length_and_character_is_hashed_and_told_apart(length: int, character: str) -> None:
    password = character * length
    stored = passwords.hash_password(password, 4)
    assert passwords.matches(password, stored)
    assert not passwords.matches(password + "y", stored)
    if length:
        assert not passwords.matches(password[:-1] + "y", stored)


def test_passwords_that_differ_at_byte_73_are_distinct() -> None:
    assert not passwords.matches("x" * 72 + "a", passwords.hash_password("x" * 72 + "b", 4))


@pytest.mark.parametrize("stored", ["", "x", "$2b$", "$2b$04$", "$2b$99$" + "x" * 53, "密码", "\x00" * 60])
def test_a_malformed_hash_matches_nothing(stored: str) -> None:
    assert not passwords.matches("", stored)
    passwords.is_outdated(stored, 4)  # and raises nothing


def test_a_cheaper_hash_is_outdated() -> None:
    stored = passwords.hash_password("x", 4)
    assert passwords.is_outdated(stored, 5)
    assert not passwords.is_outdated(stored, 4)


@pytest.mark.parametrize(
    "password",
    [
        *("password2024!", "P@ssw0rd1234", "qwertyuiop[]", "welcomewelcome", "crmadmin12345", "administrator1"),
        *("123456789012", "aaaaaaaaaaaaaa", "abcabcabcabc", "1qaz2wsx3edc4rfv", "woaini123456", "Summer2026Summer"),
        *("anna.miller77", "Iloveyou2026!!", "letmein-please", "correcthorsebatterystaple", "lkjhgfdsapoi"),
    ],
)
def test_production_refuses_what_is_guessed_first(production: Settings, password: str) -> None:
    with pytest.raises(BadInput, match="too easy to guess"):
        passwords.check(production, password, about=("anna", "anna.miller@example.com"))


@pytest.mark.parametrize(
    "password",
    ["violet kettle fjord", "Xk3!vnq0pzLw", "today we go to the big london office", "蓝色的云在山上跳舞吗真的吗"],
)
def test_production_accepts_long_ones_that_are_not(production: Settings, password: str) -> None:
    passwords.check(production, password, about=("anna", "anna@example.com"))


def test_the_least_length_depends_on_where_it_runs(production: Settings) -> None:
    with pytest.raises(BadInput, match="at least 12 characters"):
        passwords.check(production, "Xk3!vnq0pzL")
    development = Settings(_env_file=None)
    passwords.check(development, "admin123")
    with pytest.raises(BadInput, match="at least 6 characters"):
        passwords.check(development, "admin")
    with pytest.raises(BadInput, match="at most 10000 characters"):
        passwords.check(development, "x1" * 5001)


def test_the_block_list_is_quick_on_long_input() -> None:
    assert not is_common("".join(_many()))


def _many() -> Iterator[str]:
    return (f"{number}qx" for number in range(2500))


async def test_too_many_who_wait_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = await passwords.hash_async("x", 4)
    assert await passwords.matches_async("x", stored)
    monkeypatch.setattr(passwords, "WAITING_LIMIT", 0)
    with pytest.raises(TooManyRequests) as refused:
        await passwords.matches_async("x", stored)
    assert refused.value.retry_after_s > 0
