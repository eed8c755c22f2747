"""Row scope and audit hang on the session; statements that pass them by stand in few files, each with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import crm
import crm.models

ROOT = Path(crm.__file__).parents[1]
#: folders and files that may, and why
ALLOWED = {
    "crm/api/": "the prepared selects: they carry the same clause as the sessions",
    "crm/backup/": "copies whole databases, and puts them back",
    "crm/connections.py": "begins the transactions of SQLite",
    "crm/jobs/": "the queue's counted statements, on rows that belong to the system",
    "crm/workers/": "the same",
    "crm/migrations/": "the schema itself",
    "crm/models/": "what is mapped",
    "crm/commands/doctor.py": "asks the server, not the data",
    "crm/commands/data.py": "asks whether there is any data",
    "crm/audit.py": "writes the audit, which is not audited",
    "crm/finding.py": "keeps the words a search finds, of rows seen and unseen, which is no change of theirs",
    "crm/insertion.py": "writes a record and its audit entry in one statement",
    "crm/rights.py": "counts access_version for everyone who is touched",
    "crm/services/categories.py": "moves a subtree along by its paths, under the row that was moved and audited",
    "crm/services/interactions.py": "raises the last activity of a deal, which is no change of the deal",
    "crm/services/notifications.py": "marks the reader's own as read; the audit leaves notifications out",
    "crm/services/sign_in.py": "notes the last sign-in, which is no change of the user",
    "seeds/": "loads in bulk, as the system",
}
#: run statements on the session's connection, which no criterion reaches, and why they may
ON_THE_CONNECTION = {
    "crm/access.py": "carries the clause itself",
    "crm/services/email_fates.py": "a job's event, which belongs to the system",
    "crm/services/idempotency.py": "kept answers, which are no entity",
    "crm/services/jobs.py": "the queue's statements, and the database's clock",
    "crm/services/news.py": "whom a change concerns, whoever made it",
    "crm/services/refresh_tokens.py": "tokens, which are no entity",
    "crm/services/restorations.py": "releases the queue",
    "crm/services/rows.py": "changes many rows at once, and writes their audit itself",
    "crm/services/throttle.py": "counts sign-ins, which are no entity",
    "crm/services/tokens.py": "tokens, which are no entity",
}
SHAPES = ("read_sql", "read_sql_query", "read_sql_table", "exec_driver_sql")
STATEMENTS = ("text", "update", "delete", "insert")


def _sources() -> list[Path]:
    found = [path for folder in ("crm", "reports") for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if not _allowed(path))


def _allowed(path: Path) -> bool:
    name = path.relative_to(ROOT).as_posix()
    return any(name == allowed or (allowed.endswith("/") and name.startswith(allowed)) for allowed in ALLOWED)


def _ways_past(source: str, *, on_the_connection: bool = False) -> Iterator[str]:
    """What a file does that neither the scope nor the audit would see."""
    tree = ast.parse(source)
    names = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("__table__", *SHAPES):
            yield f"line {node.lineno}: {node.attr}"
        if isinstance(node, ast.ImportFrom):
            yield from (f"line {node.lineno}: {alias.name}" for alias in node.names if alias.name in SHAPES)
        if isinstance(node, ast.Call):
            yield from _statement(node, names.get(ast.unparse(node.func), ""))
            if ast.unparse(node.func).endswith(".connection") and not node.args and not on_the_connection:
                yield f"line {node.lineno}: .connection()"


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """How this file calls `update` (or `text`, …) of SQLAlchemy → `update`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
        if isinstance(node, ast.Import):
            modules = [alias for alias in node.names if alias.name.startswith("sqlalchemy")]
            yield from ((f"{m.asname or m.name}.{name}", name) for m in modules for name in STATEMENTS)


def _statement(node: ast.Call, name: str) -> Iterator[str]:
    if name == STATEMENTS[0]:
        yield f"line {node.lineno}: text()"
    if name in STATEMENTS[1:] and not all(_machinery(argument) for argument in node.args[:1]):
        yield f"line {node.lineno}: {name}({ast.unparse(node.args[0])})"


def _machinery(argument: ast.expr) -> bool:
    """A table that is no entity: nobody sees its rows, so there is no scope, and no audit."""
    name = argument.id if isinstance(argument, ast.Name) else ""
    model = getattr(crm.models, name, None)
    return (model is not None and not hasattr(model, "__entity__")) or name == "model"


@pytest.mark.parametrize("path", _sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_statement_passes_by_scope_and_audit(path: Path) -> None:
    known = path.relative_to(ROOT).as_posix() in ON_THE_CONNECTION
    assert list(_ways_past(path.read_text(), on_the_connection=known)) == []


@pytest.mark.parametrize(
    "line",
    [
        "from sqlalchemy import text\nsession.execute(text('SELECT 1'))",
        "from sqlalchemy import update\nsession.execute(update(Contact).values(name='x'))",
        "session.execute(Contact.__table__.select())",
        "import pandas as pd\npd.read_sql('SELECT 1', engine)",
        "from pandas import read_sql as look\nlook('SELECT 1', engine)",
        "import sqlalchemy as sa\nsession.execute(sa.update(Contact).values(name='x'))",
        "from sqlalchemy import delete as gone\nsession.execute(gone(Contact))",
        "import sqlalchemy\nsession.execute(sqlalchemy.text('SELECT 1'))",
        "connection.exec_driver_sql('SELECT 1')",
        "session.connection().execute(select(Contact.id))",
    ],
)
def test_the_search_finds_what_it_is_meant_to_find(line: str) -> None:
    assert list(_ways_past(line))


def test_every_permission_to_pass_by_is_still_needed() -> None:
    for name in (*ALLOWED, *ON_THE_CONNECTION):
        assert (ROOT / name).exists(), name
    for name in ON_THE_CONNECTION:
        assert ".connection()" in (ROOT / name).read_text(), name
