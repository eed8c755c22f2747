"""Each morning asks which deals have just become stale, stage by stage."""

from __future__ import annotations

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_opportunity_stage_entered", "opportunity", ["stage_id", "stage_entered_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_opportunity_stage_entered", table_name="opportunity")
