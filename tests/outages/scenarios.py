"""What is done to an installation under load, and what it must be like during and after."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from crm.models import EmailMessage, Job
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from tests.outages.installation import Installation
from tests.outages.load import Answer, Load, Phase, phase, running

Result = TypeVar("Result")
AT_WORK = (JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.RUNNING)
DRAIN_LIMIT_S = 120.0
CALM_S = 5.0
CALM_P99_MS = 3000.0
Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Trouble:
    """`begin` breaks something, `end` mends it; `web_suffers`: answers other than 200 are to be expected."""

    name: str
    begin: Action
    end: Action
    seconds: float
    web_suffers: bool = False


@dataclass(slots=True)
class Finding:
    """One trouble: the web before, during and after it, and what became of the work that was asked for."""

    name: str
    before: Phase
    during: Phase
    after: Phase
    first_success_s: float
    drained_s: float
    kept: int
    lost: int
    doubled: int
    faults: list[str] = field(default_factory=list)


def suffer(installation: Installation, trouble: Trouble) -> Finding:
    """Load, calm, trouble, calm; then all that was asked for must be there, once, and done."""
    with running(installation) as load:
        time.sleep(CALM_S)
        began = time.monotonic()
        trouble.begin()
        time.sleep(trouble.seconds)
        mended = time.monotonic()
        trouble.end()
        back = time.monotonic()
        time.sleep(CALM_S)
    over = time.monotonic()
    drained = drain(installation) - back
    lost, doubled = kept(installation, load)
    found = Finding(
        trouble.name,
        phase(load.answers, 0, began),
        phase(load.answers, began, mended),
        phase(load.answers, back, over),
        first_success_s(load.answers, back),
        drained,
        len(load.kept),
        lost,
        doubled,
    )
    found.faults = list(_faults(found, trouble))
    return found


def _faults(found: Finding, trouble: Trouble) -> Iterator[str]:
    """Times say nothing on a machine that was too busy before anything happened."""
    if found.lost or found.doubled:
        yield f"{found.lost} lost, {found.doubled} doubled"
    if found.before.p99_ms > CALM_P99_MS:
        return
    if found.before.wrong + found.during.wrong + found.after.wrong:
        yield f"wrong answers: {found.during.statuses}"
    if not trouble.web_suffers and found.during.statuses.keys() != {200}:
        yield f"the web noticed it: {found.during.statuses}"
    if found.during.longest_s > 10:
        yield f"a request took {found.during.longest_s:.1f} s"
    if found.first_success_s > 2:
        yield f"the first answer came {found.first_success_s:.1f} s after the return"
    if found.drained_s > 60:
        yield f"work was done {found.drained_s:.0f} s after the return"


def first_success_s(answers: list[Answer], back: float) -> float:
    """Seconds from the return to the end of the first request that succeeded."""
    good = [answer.at + answer.took_s - back for answer in answers if answer.status == 200]
    return min((moment for moment in good if moment > 0), default=float("inf"))


def drain(installation: Installation) -> float:
    """Wait until no job is left; the moment."""
    deadline = time.monotonic() + DRAIN_LIMIT_S
    while time.monotonic() < deadline:
        if not read(installation, _pending):
            return time.monotonic()
        time.sleep(0.1)
    return float("inf")


def _pending(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(Job).where(Job.status.in_(AT_WORK))) or 0


def kept(installation: Installation, load: Load) -> tuple[int, int]:
    """Of the mails whose request was answered by 200: (not there or not done, there more than once)."""
    found = read(installation, _captured)
    return sum(not found[subject] for subject in load.kept), sum(found[subject] > 1 for subject in load.kept)


def _captured(connection: Connection) -> Counter[str]:
    done = (EmailState.CAPTURED, EmailState.SENT)
    return Counter(connection.scalars(select(EmailMessage.subject).where(EmailMessage.state.in_(done))))


def read(installation: Installation, question: Callable[[Connection], Result]) -> Result:
    while True:
        try:
            with installation.database.engine(write=False).connect() as connection:
                return question(connection)
        except SQLAlchemyError:  # its pool holds connections of the server that was
            time.sleep(0.1)
