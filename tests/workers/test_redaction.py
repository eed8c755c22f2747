"""An error is stored and shown: no secret may stand in it."""

from __future__ import annotations

import pytest

from crm.settings import Settings
from crm.workers.redaction import redacted

SETTINGS = Settings(
    _env_file=None,
    env="test",
    jwt_secret="k" * 40,
    smtp_password="opensesame",
    database_url="postgresql://crm:pg-secret@db/crm",
    redis_url="redis://:redis-secret@cache/0",
)


@pytest.mark.parametrize(
    "secret", ["k" * 40, "opensesame", "pg-secret", "redis-secret", "theirs", "abc.DEF-9", "eyJhbGciOiJIUzI1NiJ9.e30.x"]
)
def test_secrets_are_masked_wherever_they_stand(secret: str) -> None:
    texts = [
        f"login with {SETTINGS.smtp_password} failed",
        f"key {SETTINGS.jwt_secret}",
        "cannot reach postgresql://crm:pg-secret@db/crm nor redis://:redis-secret@cache/0",
        "GET https://user:theirs@example.com/x: 401",
        "header Authorization: Bearer abc.DEF-9",
        '{"password": "theirs", "api_key": "theirs"} and token=theirs&x=1',
        "session eyJhbGciOiJIUzI1NiJ9.e30.x is over",
    ]
    assert secret not in redacted(" | ".join(texts), SETTINGS)


def test_a_plain_sentence_stays_as_it_is_but_not_longer_than_2000_characters() -> None:
    assert redacted("The mail server says 550: no such user bo@example.com", SETTINGS).endswith("bo@example.com")
    assert len(redacted("x" * 5000, SETTINGS)) == 2000
