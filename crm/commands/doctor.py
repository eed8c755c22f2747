"""`crm doctor`: asks everything the program depends on, and says what to do about what it finds."""

from __future__ import annotations

import os
import smtplib
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crm.commands.data import opened
from crm.errors import CrmError
from crm.settings import Settings

#: before it, a crash at the wrong moment could lose committed rows of a WAL database
SAFE_SQLITE = (3, 51, 3)
SMTP_LIMIT_S = 5.0
AI_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `state` is ok, warning or problem, and only a problem makes the exit status 1."""

    subject: str
    state: str
    sentence: str

    @property
    def is_bad(self) -> bool:
        return self.state == "problem"


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order of the processes' needs; the settings themselves were read without an error."""
    return [
        finding for check in (_secrets, _folder, _database, _broker, _mail, _assistant) for finding in check(settings)
    ]


def _secrets(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", "ok", f"ENV is {settings.env}.")
    if not settings.production and settings.host not in ("127.0.0.1", "::1", "localhost"):
        yield Finding("settings", "warning", f"HOST {settings.host} can be reached by others; set ENV to production.")


def _folder(settings: Settings) -> Iterator[Finding]:
    from crm.supervisor import checks

    def look() -> str:
        checks.prepare_folder(settings.data_dir)
        return f"DATA_DIR is {settings.data_dir.absolute()}."

    yield _tried("folder", look, advice="set DATA_DIR to a folder of yours")


def _database(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy import text

    from crm.migrations.run import is_current

    with opened(settings) as database:

        def look() -> str:
            question = "SELECT sqlite_version()" if database.is_sqlite else "SHOW server_version"
            with database.engine().connect() as connection:
                version = connection.scalar(text(question))
            return f"{'SQLite' if database.is_sqlite else 'PostgreSQL'} {version} answers."

        answer = _tried("database", look, advice="start it, or correct DATABASE_URL")
        yield answer
        if not answer.is_bad and not is_current(database):
            yield Finding("database", "problem", "The schema is not up to date; run: crm migrate")
        if database.is_sqlite and sqlite3.sqlite_version_info < SAFE_SQLITE:
            advice = "a crash can lose rows of a busy database; for production set DATABASE_URL to PostgreSQL"
            yield Finding("database", "warning", f"SQLite {sqlite3.sqlite_version} is older than 3.51.3: {advice}.")


def _broker(settings: Settings) -> Iterator[Finding]:
    from crm.cache import answers
    from crm.supervisor.valkey import address

    if settings.broker:
        if answers(settings.broker):
            yield Finding("redis", "ok", "Redis answers.")
        else:
            yield Finding("redis", "problem", "Redis does not answer; start it, or correct REDIS_URL.")
    elif answers(address(settings.data_dir)):
        yield Finding("redis", "ok", "The embedded Valkey answers.")
    else:
        yield Finding("redis", "warning", "The embedded Valkey is not running; crm dev starts it.")


def _mail(settings: Settings) -> Iterator[Finding]:
    if not settings.smtp_host:
        yield Finding("mail", "warning", "Mail is kept in the panel's inbox; set SMTP_HOST to send it.")
        return
    advice = "check SMTP_HOST, SMTP_PORT, SMTP_TLS and the login"
    yield _tried("mail", lambda: _greet(settings), advice=advice)
    if not settings.public_url.startswith("https://"):
        where = settings.public_url or f"http://{settings.host}:{settings.port}"
        wish = "set PUBLIC_URL to the https address that recipients reach, or they cannot unsubscribe"
        yield Finding("mail", "warning", f"The links in mails lead to {where}: {wish}.")


def _greet(settings: Settings) -> str:
    """Sign in as the worker would, and send nothing."""
    secure, context = settings.smtp_security, ssl.create_default_context()
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    with (
        smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=SMTP_LIMIT_S, context=context)
        if secure == "tls"
        else smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SMTP_LIMIT_S)
    ) as server:
        if secure == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        server.noop()
    return f"{where} answers{' and knows SMTP_USER' if settings.smtp_user else ''}."


def _assistant(settings: Settings) -> Iterator[Finding]:
    if not settings.ai_model:
        yield Finding("assistant", "warning", "The assistant is switched off; set AI_MODEL to provider:model.")
        return
    provider = settings.ai_model.partition(":")[0]
    key = AI_KEYS.get(provider)
    if key and not os.environ.get(key):
        yield Finding("assistant", "problem", f"AI_MODEL {settings.ai_model} needs {key}; set it.")
    else:
        yield Finding("assistant", "ok", f"AI_MODEL is {settings.ai_model}.")


def _tried(subject: str, look: Callable[[], str], *, advice: str) -> Finding:
    """What a library says of a failure is shown by its first line only: the others may hold values."""
    try:
        return Finding(subject, "ok", look())
    except CrmError as error:
        return Finding(subject, "problem", str(error))
    except Exception as error:
        cause = getattr(error, "orig", None) or error
        reason = getattr(cause, "strerror", None) or str(cause).strip() or type(cause).__name__
        return Finding(subject, "problem", f"{reason.splitlines()[0]}; {advice}.")
