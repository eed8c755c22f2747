"""Restored backups, and who released their mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import crm.columns

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restoration",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("archive", sa.String(length=200), nullable=False),
        sa.Column("made_at", crm.columns.Instant(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("released_at", crm.columns.Instant(), nullable=True),
        sa.Column("released_by_id", crm.columns.Key, nullable=True),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.ForeignKeyConstraint(["released_by_id"], ["user.id"], name=op.f("fk_restoration_released_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restoration")),
    )
    op.create_index(op.f("ix_restoration_created_at"), "restoration", ["created_at"], unique=False)
    op.create_index(op.f("ix_restoration_released_at"), "restoration", ["released_at"], unique=False)


def downgrade() -> None:
    op.drop_table("restoration")
