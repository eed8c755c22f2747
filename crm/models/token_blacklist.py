"""Access tokens that were signed out before they expired."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.models.base import Base


class TokenBlacklist(Base):
    """Rows may be purged once they have expired."""

    __tablename__ = "token_blacklist"

    jti: Mapped[str] = mapped_column(String(36), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
