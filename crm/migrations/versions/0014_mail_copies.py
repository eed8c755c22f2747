"""Copies of a mail: each a message of its own that says what it is a copy of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import crm.columns

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("email_message", sa.Column("copy_of_id", crm.columns.Key, nullable=True))
    op.create_index(op.f("ix_email_message_copy_of_id"), "email_message", ["copy_of_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_email_message_copy_of_id"), table_name="email_message")
    op.drop_column("email_message", "copy_of_id")
