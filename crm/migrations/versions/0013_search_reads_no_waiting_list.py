"""PostgreSQL's search indexes take new rows at once: a list of those that wait made every search read it, and the
planner leave the index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels = None
depends_on = None

_INDEXES = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname LIKE 'ix\\_%\\_search'"


def upgrade() -> None:
    for name in _names():
        op.execute(f"ALTER INDEX {name} SET (fastupdate = off)")
        op.execute(sa.select(sa.func.gin_clean_pending_list(sa.cast(name, postgresql.REGCLASS))))


def downgrade() -> None:
    for name in _names():
        op.execute(f"ALTER INDEX {name} RESET (fastupdate)")


def _names() -> list[str]:
    if op.get_bind().dialect.name != "postgresql":
        return []
    return list(op.get_bind().scalars(sa.text(_INDEXES)))
