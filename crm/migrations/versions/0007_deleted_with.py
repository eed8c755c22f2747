"""What a record went to the trash with, so that it comes back with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None
TABLES = (
    *("attachment", "category", "category_type", "contact", "contact_group", "customer", "email_template"),
    *("interaction", "lost_reason", "opportunity", "pipeline", "product", "role", "schedule", "stage", "tag"),
    *("task", "task_series", "team", "user"),
)


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("deleted_with", sa.String(length=60), nullable=True))
        op.create_index(
            f"ix_{table}_deleted_with",
            table,
            ["deleted_with"],
            sqlite_where=sa.text("deleted_with IS NOT NULL"),
            postgresql_where=sa.text("deleted_with IS NOT NULL"),
        )


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_deleted_with", table_name=table)
        op.drop_column(table, "deleted_with")
