"""An error is stored and shown: no secret may stand in it."""

from __future__ import annotations

import pytest

from crm.errors import NotFound
from crm.redaction import nameless, redacted, secrets_of, trace, words
from crm.settings import Settings

SETTINGS = Settings(
    _env_file=None,
    env="test",
    jwt_secret="k" * 40,
    smtp_password="opensesame",
    database_url="postgresql://crm:pg-secret@db/crm",
    redis_url="redis://:redis-secret@cache/0",
)


@pytest.mark.parametrize(
    "secret",
    [
        "k" * 40,
        "opensesame",
        "pg-secret",
        "redis-secret",
        "theirs",
        "abc.DEF-9",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "MTI.un-sub",
    ],
)
def test_secrets_are_masked_wherever_they_stand(secret: str) -> None:
    texts = [
        f"login with {SETTINGS.smtp_password} failed",
        f"key {SETTINGS.jwt_secret}",
        "cannot reach postgresql://crm:pg-secret@db/crm nor redis://:redis-secret@cache/0",
        "GET https://user:theirs@example.com/x: 401",
        "header Authorization: Bearer abc.DEF-9",
        '{"password": "theirs", "api_key": "theirs"} and token=theirs&x=1',
        "GET /unsubscribe/MTI.un-sub took 3 ms",
        "session eyJhbGciOiJIUzI1NiJ9.e30.x is over",
    ]
    assert secret not in redacted(" | ".join(texts), SETTINGS)


def test_a_plain_sentence_stays_as_it_is_but_not_longer_than_2000_characters() -> None:
    assert redacted("The mail server says 550: no such user bo@example.com", SETTINGS).endswith("bo@example.com")
    assert len(redacted("x" * 5000, SETTINGS)) == 2000


def test_addresses_and_numbers_of_people_are_masked_and_our_own_numbers_stay() -> None:
    said = nameless("550 bo@example.com at +86 138 0013 8000 or 13800138000, job 12345678901, 2026-11-21T10:00:00Z")
    assert said == "550 *** at *** or ***, job 12345678901, 2026-11-21T10:00:00Z"


def test_a_trace_tells_where_it_was_and_not_whom_it_was_about() -> None:
    def broken() -> None:
        try:
            int("Zhang Wei")
        except ValueError as error:
            raise RuntimeError("cannot keep Zhang Wei") from error

    with pytest.raises(RuntimeError) as found:
        broken()
    told = trace(found.value)
    assert "Zhang Wei" not in told.replace('int("Zhang Wei")', "").replace('"cannot keep Zhang Wei"', "")
    assert told.splitlines()[-1] == "RuntimeError"
    assert "ValueError" in told
    assert "test_redaction.py" in told


def test_an_error_about_code_and_one_of_ours_keep_their_words() -> None:
    assert words(TypeError("f() takes 1 argument")) == "f() takes 1 argument"
    assert words(NotFound("%(what)s not found", what="Zhang Wei")) == "%(what)s not found"
    assert words(ValueError("Zhang Wei")) == ""


def test_settings_say_no_secret_of_theirs() -> None:
    assert not any(secret in repr(SETTINGS) for secret in secrets_of(SETTINGS))
    assert len(secrets_of(SETTINGS)) == 4
