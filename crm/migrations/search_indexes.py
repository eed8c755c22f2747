"""The search index in migrations: what makes it, what takes it away, and how a drafted migration names both."""

from __future__ import annotations

from typing import Any

from alembic import op
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops

from crm.search_text import search_ddl

_IMPORT = "from crm.migrations.search_indexes import {}"


def add_search_index(table: str) -> None:
    """After the table was created: the index over its `search_text`."""
    for statement in search_ddl(table, op.get_bind().dialect.name):
        op.execute(statement)


def drop_search_index(table: str) -> None:
    """Before the table is dropped: PostgreSQL drops its index along, SQLite keeps it in tables of its own."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP TABLE {table}_search")


class _Call(ops.MigrateOperation):
    """A line that calls one of the two."""

    def __init__(self, function: str, table: str) -> None:
        self.function, self.table = function, table


@renderers.dispatch_for(_Call)
def _render(context: AutogenContext, call: _Call) -> str:
    context.imports.add(_IMPORT.format(call.function))
    return f'{call.function}("{call.table}")'


def complete(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Alembic compares tables and sees no search index: a new searchable table gets its line."""
    for script in directives:
        new = [one.table_name for one in script.upgrade_ops.ops if _is_searchable(one)]
        script.upgrade_ops.ops += [_Call(add_search_index.__name__, table) for table in new]
        script.downgrade_ops.ops[:0] = [_Call(drop_search_index.__name__, table) for table in reversed(new)]


def _is_searchable(one: ops.MigrateOperation) -> bool:
    return isinstance(one, ops.CreateTableOp) and any(getattr(c, "name", "") == "search_text" for c in one.columns)
