"""How long a deal had been in its stage before it was put on hold, so that the hold does not age it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "opportunity", sa.Column("seconds_before_hold", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    # until now deals had no lines: every amount was typed
    op.execute("UPDATE opportunity SET amount_by_hand = true WHERE amount IS NOT NULL")


def downgrade() -> None:
    op.drop_column("opportunity", "seconds_before_hold")
