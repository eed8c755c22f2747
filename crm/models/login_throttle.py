"""Failed sign-ins per account and per address: the delay grows, and nobody is locked out for long."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.models.base import Base


class LoginThrottle(Base):
    """`key` is a hash of account or address: the table holds no personal data."""

    __tablename__ = "login_throttle"

    key: Mapped[str] = mapped_column(String(64), unique=True)
    failures: Mapped[int] = mapped_column(default=0)
    blocked_until: Mapped[datetime | None] = mapped_column()
    updated_at: Mapped[datetime] = mapped_column(index=True)
