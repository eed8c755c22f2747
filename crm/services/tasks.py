"""Tasks: what their states mean and which follow each other, parts of tasks, when they are due, ticking off steps."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import operation, rule
from crm.errors import BadInput, Conflict, invalid
from crm.models.task import CLOSED, OPEN, Task, TaskStatus
from crm.services import checklists, links, records, task_reminders, task_series, users

_ANY: dict[str, Any] = {"unscoped": True}


@rule(Task)
def check(session: Session, task: Task, changed: frozenset[str]) -> None:
    """Status, progress and the moment of completion agree; a task is closed after its parts, and due after its start.

    Open states follow each other in any order, a closed task has to be reopened first.  Its progress is its own: that
    of its parts does not count.  Reminders follow the task; the next one of a series is made when this one is closed.
    """
    links.check(session, task)
    checklists.check(task)
    _check_due(session, task)
    before = _status_before(task)
    _settle(task, changed, before)
    closing = _status(task) in CLOSED and before is not None and before not in CLOSED
    if closing:
        _check_parts(session, task)
    elif _status(task) in OPEN and (before in CLOSED or _is_changed(task, "parent_id")):
        _check_parent(session, task)
    if not records.is_new(task):
        task_reminders.carry(session, task)
    if closing:
        task_series.follow(session, task)


@operation(Task, icon="check", tone="good", when=lambda task: task.status in OPEN)
def complete(session: Session, task: Task) -> None:
    """Mark the task as done."""
    if task.status is TaskStatus.COMPLETED:
        raise Conflict("The task is completed already")
    _set_status(session, task, TaskStatus.COMPLETED)


@operation(Task, icon="player-play", when=lambda task: task.status in (TaskStatus.NOT_STARTED, TaskStatus.DEFERRED))
def start(session: Session, task: Task) -> None:
    """Begin to work on the task."""
    if task.status is TaskStatus.IN_PROGRESS:
        raise Conflict("The task is in progress already")
    _require_open(task)
    _set_status(session, task, TaskStatus.IN_PROGRESS)


@operation(Task, icon="clock-pause", when=lambda task: task.status in (TaskStatus.NOT_STARTED, TaskStatus.IN_PROGRESS))
def defer(session: Session, task: Task) -> None:
    """Put the task off; it stays open."""
    if task.status is TaskStatus.DEFERRED:
        raise Conflict("The task is deferred already")
    _require_open(task)
    _set_status(session, task, TaskStatus.DEFERRED)


@operation(Task, icon="ban", when=lambda task: task.status in OPEN)
def cancel(session: Session, task: Task) -> None:
    """Close the task without doing it."""
    if task.status is TaskStatus.CANCELLED:
        raise Conflict("The task is cancelled already")
    _set_status(session, task, TaskStatus.CANCELLED)


@operation(Task, icon="rotate", when=lambda task: task.status in CLOSED)
def reopen(session: Session, task: Task) -> None:
    """Take up the task again."""
    if task.status not in CLOSED:
        raise Conflict("The task is open already")
    _set_status(session, task, TaskStatus.IN_PROGRESS)


@operation(Task, icon="checkbox", when=lambda _task: False)  # the panel shows the steps themselves
def tick(
    session: Session,
    task: Task,
    *,
    step: Annotated[int, Field(description="Which step, counted from 0.")],
    done: Annotated[bool, Field(description="Done, or open again.")] = True,
    text: Annotated[str, Field(description="What the step says; 409 if it says something else by now.")] = "",
) -> None:
    """Tick off a step of the checklist."""
    made = checklists.ticked(task.checklist, step, done=done)
    if text and made[step]["text"] != text:
        raise Conflict(records.STALE)
    task.checklist = made
    records.flush(session, Task)


# ---------------------------------------------------------------------------------------------- status, progress


def _set_status(session: Session, task: Task, status: TaskStatus) -> None:
    with session.no_autoflush:  # the rule must still see what the status was
        task.status = status
        check(session, task, frozenset({"status"}))
    records.flush(session, Task)


def _status(task: Task) -> TaskStatus:
    """A new task has no status until it is flushed, whatever its type says."""
    return task.status or TaskStatus.NOT_STARTED


def _status_before(task: Task) -> TaskStatus | None:
    """The status that is stored; None for a new task."""
    if records.is_new(task):
        return None
    replaced = inspect(task).attrs.status.history.deleted
    return replaced[0] if replaced else task.status


def _is_changed(task: Task, name: str) -> bool:
    return bool(inspect(task).attrs[name].history.has_changes())


def _require_open(task: Task) -> None:
    if task.status in CLOSED:
        raise Conflict("A closed task has to be reopened first")


def _settle(task: Task, changed: frozenset[str], before: TaskStatus | None) -> None:
    """Completed is 100 percent and nothing else is; the one that was said decides on the other."""
    if not 0 <= (task.progress or 0) <= 100:
        raise invalid("progress", "must be a number from 0 to 100")
    if before in CLOSED and _status(task) in CLOSED and _status(task) is not before:
        raise Conflict("A closed task has to be reopened first")
    if before is None or {"status", "progress"} & changed:
        said = "progress" in changed and (before is None or _is_changed(task, "progress"))
        moved = before is not None and _status(task) is not before
        _agree(task, said=said, moved=moved, reopened=moved and before in CLOSED)
    if task.status is TaskStatus.COMPLETED:
        task.completed_at = task.completed_at or now()
    elif task.completed_at is not None:
        task.completed_at = None


def _agree(task: Task, *, said: bool, moved: bool, reopened: bool) -> None:
    """`said`: the progress was; `moved`: the status was."""
    status, progress = _status(task), task.progress or 0
    if status is TaskStatus.COMPLETED:
        if said and not moved and progress < 100 and not records.is_new(task):
            raise invalid("progress", "is 100 for a completed task; reopen it first")
        task.progress = 100
    elif progress == 100:
        if said and not moved and status in OPEN:
            task.status = TaskStatus.COMPLETED
        elif said:
            raise invalid("progress", "must be below 100 for a task that is not completed")
        else:
            task.progress = 0 if reopened else 99
    elif status is TaskStatus.NOT_STARTED and progress > 0:
        if said:
            task.status = TaskStatus.IN_PROGRESS
        else:
            task.progress = 0


# ---------------------------------------------------------------------------------------------- parts and due dates


def _check_parts(session: Session, task: Task) -> None:
    """Conflict while parts of it are open: closing them unasked would hide work."""
    parts = select(func.count()).where(Task.parent_id == task.id, Task.status.in_(OPEN), Task.deleted_at.is_(None))
    count = session.scalar(parts, execution_options=_ANY) or 0
    if count:
        raise Conflict("Subtasks that are still open: %(count)s. Complete or cancel them first", count=count)


def _check_parent(session: Session, task: Task) -> None:
    """BadInput if the task would become a part of itself, or an open part of a closed task.

    Every task above it is held until this transaction ends, so that two who move tasks at once make no circle, and
    nobody closes the one above meanwhile.
    """
    above, first = task.parent_id, True
    while above is not None:
        if above == task.id:
            raise invalid("parentId", "must not be the task itself or a part of it")
        wanted = select(Task.parent_id, Task.status).where(Task.id == above).with_for_update(key_share=True)
        parent_id, status = session.execute(wanted, execution_options=_ANY).one()
        if first and status in CLOSED:
            raise _closed_parent(task)
        above, first = parent_id, False


def _closed_parent(task: Task) -> BadInput | Conflict:
    if _is_changed(task, "parent_id"):
        return invalid("parentId", "must be an open task")
    return Conflict("The task it is a part of is closed; reopen that first")


def _check_due(session: Session, task: Task) -> None:
    """Either an instant or a day of the assignee's zone, not before the start."""
    if not any(_is_changed(task, name) for name in ("start_at", "due_at", "due_date")):
        return
    if task.due_at is not None and task.due_date is not None:
        raise invalid("dueDate", "cannot be given together with an instant; empty one of them")
    if task.start_at is None:
        return
    late = task.due_at is not None and task.start_at > task.due_at
    if task.due_date is not None:
        late = task.start_at.astimezone(users.zone_of(session, task.assignee_id)).date() > task.due_date
    if late:
        raise invalid("startAt", "must not be later than the task is due")
