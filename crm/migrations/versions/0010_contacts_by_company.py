"""Contacts are found by the name of their company: its words join those of the contact."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from crm.search_text import own_words, with_referred

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None

_CONTACT = sa.table("contact", *(sa.column(name) for name in ("id", "customer_id", "search_text")))
_CUSTOMER = sa.table("customer", sa.column("id"), sa.column("name"))
_CHUNK = 5000


def upgrade() -> None:
    _rewrite(lambda text, name: with_referred(text, [name]))


def downgrade() -> None:
    _rewrite(lambda text, _name: " ".join(own_words(text)))


def _rewrite(made: Callable[[str, str], str]) -> None:
    connection, last = op.get_bind(), 0
    found = sa.select(_CONTACT.c.id, _CONTACT.c.search_text, _CUSTOMER.c.name)
    found = found.join_from(_CONTACT, _CUSTOMER, _CUSTOMER.c.id == _CONTACT.c.customer_id).order_by(_CONTACT.c.id)
    change = sa.update(_CONTACT).where(_CONTACT.c.id == sa.bindparam("key")).values(search_text=sa.bindparam("text"))
    while rows := connection.execute(found.where(_CONTACT.c.id > last).limit(_CHUNK)).all():
        connection.execute(change, [{"key": key, "text": made(text, name)} for key, text, name in rows])
        last = rows[-1][0]
