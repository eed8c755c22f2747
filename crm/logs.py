"""Structured logs, one line an event, with the request's id; no secret stands in them, and nobody's address.

What other libraries log goes the same way as our own lines.
"""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from functools import lru_cache, partial
from typing import Any

import orjson
import structlog

from crm import redaction
from crm.settings import Settings

#: id of the request or job that is being served
request_id: ContextVar[str] = ContextVar("request_id", default="")

_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "api_key")
_LEVELS = {"error": 40, "warn": 30, "warning": 30, "info": 20, "debug": 10}
#: written by ourselves
_OURS = frozenset({"timestamp", "level", "request_id"})
_SHORT = 100


def _add_request_id(_logger: Any, _method: str, event: Any) -> Any:
    if current := request_id.get():
        event["request_id"] = current
    return event


@lru_cache(maxsize=1_000)
def _names_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def _mask(_logger: Any, _method: str, event: Any) -> Any:
    for key in event:
        if _names_secret(key):
            event[key] = redaction.MASK
    return event


def _tell_error(_logger: Any, _method: str, event: Any) -> Any:
    """Where it happened, never the values that were at hand there."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = redaction.trace(error)
    return event


def _redact(secrets: tuple[str, ...], _logger: Any, _method: str, event: Any) -> Any:
    for key, value in event.items():
        if isinstance(value, str) and key not in _OURS:
            event[key] = _clean(value, secrets) if len(value) > _SHORT else _clean_short(value, secrets)
    return event


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    return redaction.nameless(redaction.masked(text, secrets))


#: routes, methods and names of events come again and again
_clean_short = lru_cache(maxsize=2_000)(_clean)


def _json(event: Any, **options: Any) -> str:
    try:
        return orjson.dumps(event, default=options["default"]).decode()
    except TypeError:  # half a character, or a number of more than 64 bits: slower, and it never fails
        return json.dumps(event, **options)


def configure(settings: Settings) -> None:
    """Lines for people on a terminal, JSON otherwise; the level is LOG_LEVEL, or debug with DEBUG=crm:*."""
    level = 10 if settings.debug_logging else _LEVELS[settings.log_level]
    terminal = sys.stderr.isatty()
    text = settings.log_format == "text" or (terminal and settings.log_format == "auto")
    chain: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
        _add_request_id,
        _mask,
        _tell_error,
        partial(_redact, redaction.secrets_of(settings)),
        structlog.dev.ConsoleRenderer(colors=terminal) if text else structlog.processors.JSONRenderer(_json),
    ]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *chain],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_of_libraries(chain)])


def _of_libraries(chain: list[Any]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *chain],
    )
    handler.setFormatter(formatter)
    return handler


def logger(name: str) -> Any:
    """A logger bound to the module's name."""
    return structlog.get_logger(name)
