"""Workers stand still until another has their jobs, and go on: what they did is refused, nothing happens twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from sqlalchemy import func, select

from crm.actor import system
from crm.db import CrmSession
from crm.jobs import enqueue
from crm.models import EmailMessage, Job, JobEvent, Tag
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from crm.services import emails
from tests.freezing import freeze
from tests.outages.installation import Installation
from tests.torture import mail_server, nursery
from tests.torture.mail_server import MailServer
from tests.torture.nursery import Nursery
from tests.torture.roles import Pace
from tests.waiting import until

ROUNDS = 20
AT_ONCE = 5
BRIEF = Pace(lease_s=3.0, heartbeat_s=0.7, sweep_s=0.3, lost_after_s=1.0, crash_pause_s=1.0, smtp_timeout_s=30.0)
#: what a worker says when a statement of its run finds no lease
REFUSAL = "job was taken over by another worker"
REFUSAL_LIMIT_S = 30.0


class Frozen(NamedTuple):
    """Which job was whose when that stood still."""

    job: int
    pid: int


class Work(Protocol):
    """What workers are at when they stand still; a label names one piece of it."""

    where: str

    def ask(self, session: CrmSession, label: str) -> int | None:
        """The number of its job."""

    def is_reached(self, label: str) -> bool:
        """Is a worker at the point where it is to stand still?"""

    def let_go(self) -> None:
        """Whoever was held at that point may go on."""

    def faults(self, session: CrmSession, frozen: Mapping[str, Frozen]) -> Iterator[str]:
        """Pieces that were not done once, by another."""


class Rows:
    """A row is written, and the job ended, in one transaction, before which the first to come is held."""

    where = "about to commit rows"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, session: CrmSession, label: str) -> int | None:
        (self._folder / label).mkdir(parents=True)
        return enqueue(session, "test.gate", key=f"frozen {label}", folder=str(self._folder / label))

    def is_reached(self, label: str) -> bool:
        return any((self._folder / label).glob("came-*"))

    def let_go(self) -> None:
        for folder in self._folder.iterdir():
            (folder / "open").touch()

    def faults(self, session: CrmSession, frozen: Mapping[str, Frozen]) -> Iterator[str]:
        names = session.scalars(select(Tag.name)).all()
        for label, one in frozen.items():
            rows = [name for name in names if name.startswith(f"{label} by ")]
            if len(rows) != 1 or rows == [f"{label} by {one.pid}"]:
                yield f"{label}: {rows}, frozen was {one.pid}"


class Mail:
    """The server holds its answer to RCPT back: the fence comes next, and then the body."""

    where = "about to send a mail"

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def ask(self, session: CrmSession, label: str) -> int | None:
        self._server.to_hold.add(_address(label))
        return emails.queue(session, to=_address(label), subject=label, text="Once", key=f"frozen {label}").job_id

    def is_reached(self, label: str) -> bool:
        return _address(label) in self._server.held

    def let_go(self) -> None:
        self._server.held.clear()

    def faults(self, session: CrmSession, frozen: Mapping[str, Frozen]) -> Iterator[str]:
        states = dict(session.execute(select(EmailMessage.to_address, EmailMessage.state)).tuples().all())
        for address in map(_address, frozen):
            if (self._server.taken[address], states[address]) != (1, EmailState.SENT):
                yield f"{address}: taken {self._server.taken[address]} times, {states[address]}"


def _address(label: str) -> str:
    return f"{label}@example.com"


def thaw(installation: Installation) -> tuple[str, list[str]]:
    """Both kinds of work, `ROUNDS` times each."""
    for name in list(installation.processes):
        installation.stop(name)
    told, faults = list[str](), list[str]()
    output = installation.folder / "frozen.log"
    with mail_server.running(behaves=True) as server, nursery.opened(output) as processes:
        smtp = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_tls": "none"}
        processes.use(installation.settings.model_copy(update=smtp), BRIEF)
        works: tuple[Work, ...] = (Rows(installation.folder / "gates"), Mail(server))
        for number, work in enumerate(works):
            refused, wrong = _rounds(installation, processes, work, f"piece{number}", output)
            faults += wrong + ([f"{work.where}: {refused} of {ROUNDS} refused"] if refused < ROUNDS else [])
            told.append(f"{ROUNDS} workers {work.where}: {refused} refused, {len(wrong)} second effects")
    return "; ".join(told), faults


def _rounds(
    installation: Installation, processes: Nursery, work: Work, name: str, output: Path
) -> tuple[int, list[str]]:
    """How many workers were refused, and what happened twice or not at all."""
    labels, frozen, refused = [f"{name}-{number:02}" for number in range(ROUNDS)], dict[str, Frozen](), 0
    for first in range(0, ROUNDS, AT_ONCE):
        some = _replaced(installation, processes, work, labels[first : first + AT_ONCE])
        refused += _go_on(processes, work, some, output)
        processes.kill_all()
        frozen |= some
    with installation.database.read_only(system("outages")) as session:
        return refused, [*work.faults(session, frozen), *_ended_twice(session, frozen)]


def _replaced(installation: Installation, processes: Nursery, work: Work, labels: Sequence[str]) -> dict[str, Frozen]:
    """Each worker stands still with one piece of work; then another one has done all of them."""
    frozen = dict[str, Frozen]()
    processes.start("relay 1")
    for label in labels:
        processes.start(f"worker {label}")
        with installation.database.transaction(system("outages")) as session:
            job = work.ask(session, label)
        assert job is not None
        until(partial(work.is_reached, label))
        frozen[label] = Frozen(job, processes.pids[f"worker {label}"])
        freeze(installation.database, frozen[label].pid)
    processes.start("worker next")
    until(partial(_are_done, installation, [one.job for one in frozen.values()]))
    return frozen


def _go_on(processes: Nursery, work: Work, frozen: Mapping[str, Frozen], output: Path) -> int:
    """They go on, and none but they can be refused from here on; how many are."""
    jobs, told = {one.job for one in frozen.values()}, output.stat().st_size
    work.let_go()
    for label in frozen:
        processes.signal(f"worker {label}", signal.SIGCONT)
    with suppress(AssertionError):
        until(lambda: jobs <= _refused(output, told), limit_s=REFUSAL_LIMIT_S)
    return len(jobs & _refused(output, told))


def _refused(output: Path, told: int) -> set[int]:
    """Jobs of which a worker heard that they are another's; `told` bytes were said before."""
    lines = output.read_bytes()[told:].decode().splitlines()
    return {json.loads(line)["job"] for line in lines if REFUSAL in line and line.endswith("}")}


def _are_done(installation: Installation, numbers: Sequence[int]) -> bool:
    with installation.database.engine(write=False).connect() as connection:
        done = select(func.count()).where(Job.id.in_(numbers), Job.status == JobStatus.SUCCEEDED)
        return connection.scalar(done) == len(numbers)


def _ended_twice(session: CrmSession, frozen: Mapping[str, Frozen]) -> Iterator[str]:
    for label, one in frozen.items():
        ends = session.scalars(select(JobEvent.to_status).where(JobEvent.job_id == one.job)).all()
        if ends.count(JobStatus.SUCCEEDED) != 1:
            yield f"{label}: {ends}"
