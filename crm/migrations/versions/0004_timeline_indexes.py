"""Interactions in the order of a timeline: each link together with the instant."""

from __future__ import annotations

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None
_LINKS = ("customer_id", "contact_id", "opportunity_id")


def upgrade() -> None:
    for link in _LINKS:
        op.create_index(f"ix_interaction_{link}_occurred_at_id", "interaction", [link, "occurred_at", "id"])
        op.drop_index(f"ix_interaction_{link}", "interaction")


def downgrade() -> None:
    for link in _LINKS:
        op.create_index(f"ix_interaction_{link}", "interaction", [link])
        op.drop_index(f"ix_interaction_{link}_occurred_at_id", "interaction")
