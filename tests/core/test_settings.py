"""Settings: wrong values stop the start with a sentence that names them; `.env.example` tells them all."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from crm.errors import StartError
from crm.settings import Settings, load

SECRET = "s" * 32


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "99999", "PORT: "),
        ("PORT", "http", "PORT: "),
        ("TIMEZONE", "Mars/Olympus", "TIMEZONE: is not a time zone"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL: must begin with postgresql://"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: "),
        ("JWT_SECRET", "short", "JWT_SECRET must have 32 bytes or more"),
        ("ENV", "production", "JWT_SECRET is needed in production"),
        ("SMTP_TLS", "maybe", "SMTP_TLS: "),
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(StartError, match=re.escape(says)) as caught:
        load()
    assert name == "JWT_SECRET" or value not in str(caught.value) or name == "ENV"


def test_the_signing_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = Settings(_env_file=None, data_dir=tmp_path).signing_key
    assert len(first.encode()) >= 32
    assert Settings(_env_file=None, data_dir=tmp_path).signing_key == first
    assert stat.S_IMODE((tmp_path / "jwt.key").stat().st_mode) == 0o600


def test_production_closes_what_development_opens(tmp_path: Path) -> None:
    assert Settings(_env_file=None, data_dir=tmp_path).registration
    live = Settings(_env_file=None, data_dir=tmp_path, env="production", jwt_secret=SECRET)
    assert not live.registration
    with pytest.raises(ValueError, match="BCRYPT_COST"):
        Settings(_env_file=None, env="production", jwt_secret=SECRET, bcrypt_cost=4)


def test_the_example_file_names_every_setting_and_no_other() -> None:
    text = Path(".env.example").read_text()
    named = set(re.findall(r"^#?\s?([A-Z][A-Z_]+)=", text, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}
