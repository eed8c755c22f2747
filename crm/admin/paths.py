"""Addresses inside the panel, as paths: never absolute, so that a forged Host header leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from typing import Any
from urllib.parse import urlencode

from sqladmin.helpers import slugify_class_name

#: where the panel is mounted, as the current request sees it
root: ContextVar[str] = ContextVar("crm_panel_root", default="/admin")


def identity(model: type[Any]) -> str:
    """SQLAdmin's own: CategoryType → category-type."""
    return _slug(model.__name__)


@cache
def _slug(name: str) -> str:
    return slugify_class_name(name)


def to(*parts: object, **query: object) -> str:
    """`to("contact", "list", page=2)` → /admin/contact/list?page=2"""
    path = "/".join([root.get(), *(str(part) for part in parts)])
    return with_query(path, query.items())


def with_query(path: str, items: Iterable[tuple[str, object]]) -> str:
    text = urlencode([(name, str(value)) for name, value in items])
    return f"{path}?{text}" if text else path


def list_of(model: type[Any], **query: object) -> str:
    return to(identity(model), "list", **query)


def details_of(model: type[Any], key: object) -> str:
    return to(identity(model), "details", key)


def edit_of(model: type[Any], key: object) -> str:
    return to(identity(model), "edit", key)


def safe(address: str | None, otherwise: str) -> str:
    """`address` if it stays inside the panel, else `otherwise`: what a visitor sends must not lead elsewhere."""
    inside = f"{root.get()}/"
    if not address or not address.startswith(inside) or any(ord(c) < 33 or c == "\\" for c in address):
        return otherwise
    return otherwise if "//" in address.partition("?")[0] or "/.." in address else address
