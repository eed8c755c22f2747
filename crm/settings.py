"""One frozen Settings, read once from the environment and `.env`; a wrong value stops the start with a sentence."""

from __future__ import annotations

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.exc import ArgumentError

from crm.errors import StartError
from crm.primary import normalised

KEPT_KEY = "jwt.key"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """Every setting of the product; names are the environment variables in lower case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True)

    env: Literal["development", "production", "test"] = Field("development", description="Where it runs.")
    host: str = Field("127.0.0.1", description="Address the web process listens on.")
    port: int = Field(3001, ge=1, le=65535, description="Port of panel and API.")
    public_url: str = Field("", description="Address users type, e.g. https://crm.example.com; empty: as asked.")
    data_dir: Path = Field(Path("data"), description="Folder for all that the embedded default keeps.")
    database_url: str = Field(
        "", repr=False, description="postgresql://… (host1,host2: primary and standby); empty: SQLite in DATA_DIR."
    )
    db_pool_size: int = Field(10, ge=1, le=200, description="Database connections a process may hold.")
    redis_url: str = Field("", repr=False, description="redis://… ; empty: a private server in DATA_DIR.")
    redis_host: str = Field("", description="Instead of REDIS_URL.")
    redis_port: int = Field(6379, ge=1, le=65535, description="With REDIS_HOST.")
    jwt_secret: str = Field("", repr=False, description="32 bytes or more; needed in production.")
    jwt_secret_previous: str = Field(
        "", repr=False, description="The key before; its tokens stay good while keys are changed."
    )
    bcrypt_cost: int = Field(12, ge=4, le=16, description="Work factor of password hashes; 10 or more in production.")
    registration_open: bool | None = Field(None, description="May anyone register? Default: not in production.")
    smtp_host: str = Field("", description="Mail server; empty: mail is kept in the panel's inbox.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_user: str = Field("", description="Login at the mail server.")
    smtp_password: str = Field("", repr=False, description="Password at the mail server.")
    smtp_tls: Literal["none", "starttls", "tls", ""] = Field("", description="Default: starttls with a login.")
    mail_from: str = Field("CRM <crm@localhost>", description="Sender of all mail.")
    upload_dir: Path | None = Field(None, description="Folder of uploaded files; default DATA_DIR/uploads.")
    upload_max_mb: int = Field(25, ge=1, le=1024, description="Largest upload in MiB.")
    upload_quota_mb: int = Field(10_240, ge=1, description="MiB of files a user may upload in all.")
    cors_origins: str = Field("", description="Origins that may call the API from a browser, comma separated.")
    ai_model: str = Field("", description="provider:model of the assistant; empty: switched off.")
    metrics_token: str = Field("", repr=False, description="Who bears it may read /metrics; empty: this machine only.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="How a log line is written; auto: text on a terminal, JSON elsewhere."
    )
    log_level: Literal["error", "warn", "warning", "info", "debug"] = Field("info", description="Least level logged.")
    debug: str = Field("", description="crm:* sets our loggers to debug.")
    timezone: str = Field("UTC", description="Zone of business dates, e.g. Asia/Shanghai.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is not a time zone; use a name such as Europe/Berlin or Asia/Shanghai") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("postgresql://", "postgres://", "postgresql+", "sqlite://")):
            raise ValueError("must begin with postgresql:// (or be empty for SQLite in DATA_DIR)")
        try:
            normalised(value or "sqlite://")
        except (ArgumentError, ValueError):
            raise ValueError("is not an address; use postgresql://user:password@server:5432/name") from None
        return value

    @model_validator(mode="after")
    def _safe_in_production(self) -> Settings:
        for name, key in (("JWT_SECRET", self.jwt_secret), ("JWT_SECRET_PREVIOUS", self.jwt_secret_previous)):
            if key and len(key.encode()) < 32:
                raise ValueError(f"{name} must have 32 bytes or more; make one with: openssl rand -hex 32")
        if self.env == "production":
            if not self.jwt_secret:
                raise ValueError("JWT_SECRET is needed in production; make one with: openssl rand -hex 32")
            if self.bcrypt_cost < 10:
                raise ValueError("BCRYPT_COST must be 10 or more in production")
        return self

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def registration(self) -> bool:
        return not self.production if self.registration_open is None else self.registration_open

    @property
    def uploads(self) -> Path:
        return self.upload_dir or self.data_dir / "uploads"

    @property
    def database(self) -> str:
        """The database's URL; the embedded default is a file in `data_dir`."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'crm.sqlite3').absolute()}"

    @property
    def broker(self) -> str:
        """The Redis URL, or an empty text when the embedded server is to be used."""
        if self.redis_url or not self.redis_host:
            return self.redis_url
        return f"redis://{self.redis_host}:{self.redis_port}/0"

    @property
    def smtp_security(self) -> str:
        return self.smtp_tls or ("starttls" if self.smtp_user else "none")

    @property
    def debug_logging(self) -> bool:
        return self.log_level == "debug" or self.debug.startswith(("crm", "*"))

    @cached_property
    def signing_key(self) -> str:
        """`JWT_SECRET`, or outside production a random key kept in `data_dir`, readable by its owner only."""
        return self.jwt_secret or _kept_key(self.data_dir / KEPT_KEY)


def _kept_key(path: Path) -> str:
    """Made once, atomically: two processes that start together agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def load() -> Settings:
    """Read the environment; raises StartError with one line per wrong setting."""
    try:
        return Settings()
    except ValidationError as error:
        raise StartError("%(problems)s", problems="\n".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    """`PORT: Input should be less than or equal to 65535`, never the value: it may be a secret."""
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in item["loc"]).upper()
        message = item["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {message}" if name else message)
    return lines
