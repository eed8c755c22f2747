"""The terms in which tasks, and series of them, are described."""

from __future__ import annotations

from enum import StrEnum


class TaskKind(StrEnum):
    """What has to be done."""

    TODO = "todo"
    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    FOLLOW_UP = "follow_up"


class TaskPriority(StrEnum):
    """How much it matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class TaskStatus(StrEnum):
    """Where it stands."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    DEFERRED = "deferred"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OPEN = (TaskStatus.NOT_STARTED, TaskStatus.IN_PROGRESS, TaskStatus.DEFERRED)
CLOSED = (TaskStatus.COMPLETED, TaskStatus.CANCELLED)
