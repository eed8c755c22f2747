"""Signs of life of workers; the instant after which a schedule's fires are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import crm.columns

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "process_heartbeat",
        sa.Column("id", crm.columns.Key, nullable=False),
        sa.Column("process", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("seen_at", crm.columns.Instant(), nullable=False),
        sa.Column("created_at", crm.columns.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_heartbeat")),
        sa.UniqueConstraint("process", name=op.f("uq_process_heartbeat_process")),
    )
    op.create_index(op.f("ix_process_heartbeat_created_at"), "process_heartbeat", ["created_at"], unique=False)
    op.create_index(op.f("ix_process_heartbeat_seen_at"), "process_heartbeat", ["seen_at"], unique=False)
    op.add_column("schedule", sa.Column("fires_after", crm.columns.Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("schedule", "fires_after")
    op.drop_table("process_heartbeat")
