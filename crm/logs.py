"""Structured logs, one line an event, with the request's id; values that look like secrets are masked."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any

import structlog

from crm.settings import Settings

#: id of the request or job that is being served
request_id: ContextVar[str] = ContextVar("request_id", default="")

_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie", "api_key")
_LEVELS = {"error": 40, "warn": 30, "warning": 30, "info": 20, "debug": 10}


def _add_request_id(_logger: Any, _method: str, event: Any) -> Any:
    if current := request_id.get():
        event["request_id"] = current
    return event


def _mask(_logger: Any, _method: str, event: Any) -> Any:
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = "***"
    return event


def configure(settings: Settings) -> None:
    """Lines for people on a terminal, JSON otherwise; the level is LOG_LEVEL, or debug with DEBUG=crm:*."""
    level = 10 if settings.debug_logging else _LEVELS[settings.log_level]
    terminal = sys.stderr.isatty()
    text = settings.log_format == "text" or (terminal and settings.log_format == "auto")
    renderer: Any = structlog.processors.JSONRenderer()
    if text:
        renderer = structlog.dev.ConsoleRenderer(colors=terminal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
            _add_request_id,
            _mask,
            *([] if text else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def logger(name: str) -> Any:
    """A logger bound to the module's name."""
    return structlog.get_logger(name)
