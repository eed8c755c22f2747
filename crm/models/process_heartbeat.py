"""Signs of life of workers and schedulers: one row per process."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.models.base import Stamped


class ProcessHeartbeat(Stamped):
    """`seen_at` is renewed every few seconds; rows of processes that are gone are deleted after a while."""

    __tablename__ = "process_heartbeat"

    process: Mapped[str] = mapped_column(String(120), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    seen_at: Mapped[datetime] = mapped_column(index=True)
