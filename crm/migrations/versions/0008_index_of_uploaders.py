"""How much a user has uploaded is asked before every upload."""

from __future__ import annotations

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_attachment_uploader", "attachment", ["created_by", "size"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_attachment_uploader", table_name="attachment")
