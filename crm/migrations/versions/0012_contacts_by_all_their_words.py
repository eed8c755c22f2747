"""Contacts are found by department and notes as well: their words join those there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.search_text import index_text, referred_words

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None

BEFORE = ("name", "email", "phone", "mobile", "wechat", "job_title")
ADDED = ("department", "notes")
_CONTACT = sa.table("contact", *(sa.column(name) for name in ("id", "search_text", *BEFORE, *ADDED)))
_CHUNK = 5000


def upgrade() -> None:
    _rewrite((*BEFORE, *ADDED))


def downgrade() -> None:
    _rewrite(BEFORE)


def _rewrite(names: tuple[str, ...]) -> None:
    """Only of those who have what is added, or taken away."""
    connection, last = op.get_bind(), 0
    found = sa.select(_CONTACT).where(sa.or_(*(_CONTACT.c[name] != "" for name in ADDED))).order_by(_CONTACT.c.id)
    change = sa.update(_CONTACT).where(_CONTACT.c.id == sa.bindparam("key")).values(search_text=sa.bindparam("text"))
    while rows := connection.execute(found.where(_CONTACT.c.id > last).limit(_CHUNK)).mappings().all():
        connection.execute(change, [{"key": row["id"], "text": _text(row, names)} for row in rows])
        last = rows[-1]["id"]


def _text(row: sa.RowMapping, names: tuple[str, ...]) -> str:
    """The words of these fields, and those of the company as they are."""
    return " ".join([index_text(row[name] for name in names), *referred_words(row["search_text"])])
