"""Alembic's entry: runs on the connection that `run.upgrade` opened."""

from __future__ import annotations

import warnings
from typing import Any, Literal

from alembic import context

import crm.models
from crm.columns import Document, Fraction, Instant, Key, Money, Quantity
from crm.migrations import search_indexes
from crm.search_text import is_search_table


def _include(_object: Any, name: str | None, kind: str, _reflected: bool, _compare: Any) -> bool:
    return not (kind in ("table", "index") and is_search_table(name or ""))


def _render(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Our column types by their own names, so that a migration reads alike for both databases."""
    if kind == "type" and isinstance(item, Money | Quantity | Fraction | Instant):
        return f"crm.columns.{type(item).__name__}()"
    if kind == "type":
        named = {id(Key): "Key", id(Document): "Document"}
        return f"crm.columns.{named[id(item)]}" if id(item) in named else False
    return False


def _told(*_of: Any, **_named: Any) -> None:
    """Whoever waits for the migrations hears of each one that is done."""
    if applied := context.config.attributes.get("applied"):
        applied()


# SQLite tells nothing of its expression indexes; the migrations name them by hand.
warnings.filterwarnings("ignore", message=".*expression-based index")
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=crm.models.Base.metadata,
    include_object=_include,
    render_item=_render,
    compare_type=True,
    transactional_ddl=True,
    on_version_apply=_told,
    process_revision_directives=search_indexes.complete,
)
context.run_migrations()
