"""Backups made under load are restored one by one into a copy: whole every time, and the copy sends nothing."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import func, make_url, select

from crm.actor import system
from crm.backup import make, restore
from crm.db import CrmSession, Database
from crm.files.storage import Storage
from crm.files.uploads import Upload
from crm.jobs import dispatch
from crm.models import Attachment, EmailMessage, Interaction, Job
from crm.models.job import JobStatus
from crm.services import attachments, restorations
from crm.settings import Settings
from tests.outages.installation import Installation
from tests.outages.load import running
from tests.torture import mail_server
from tests.waiting import until

ROUNDS = 50
WATCHED_S = 5.0


def rehearse(installation: Installation) -> tuple[str, list[str]]:
    """What it tells, and what is wrong with it.  The worker rests meanwhile, so that mail waits in every backup."""
    here, faults = installation.settings, list[str]()
    made_s, restored_s = list[float](), list[float]()
    with _another(installation) as there, running(installation) as load:
        for number in range(ROUNDS):
            time.sleep(0.2)
            _write(installation, number)
            path, began = installation.folder / f"{number}.tar.gz", time.monotonic()
            make.make_file(here, path)
            made_s.append(time.monotonic() - began)
            asked, began = len(load.kept), time.monotonic()
            restore.restore(there, path, force=True)
            restored_s.append(time.monotonic() - began)
            faults += [f"backup {number}: {fault}" for fault in _faults(there, number, asked)]
            path.unlink()
        held, sent, released = _sent_by(installation, there)
    if sent:
        faults.append(f"the copy sent {sent} mails before it was released")
    if released != held:
        faults.append(f"{held} mails were held, {released} were sent after the release")
    return (
        f"{ROUNDS} backups under {len(load.kept)} writes, each restored and looked through, {len(faults)} faults; "
        f"made in {statistics.median(made_s):.2f} s, restored in {statistics.median(restored_s):.2f} s; "
        f"of {held} mails the copy sent {sent} before its release, {released} after"
    ), faults


def _write(installation: Installation, number: int) -> None:
    """A row and the file that it names, in every backup from now on."""
    content = f"file {number}".encode() * 1000
    with installation.database.transaction(system("outages")) as session:
        digest = Storage(installation.settings.uploads).put(content)
        upload = Upload(f"{number}.txt", digest, "text/plain", len(content))
        attachments.keep(session, upload, attachments.Place())


def _faults(there: Settings, number: int, asked: int) -> Iterator[str]:
    """`asked` is how many mails had been answered by 200 before the backup began, at most."""
    copy, storage = Database(there.database), Storage(there.uploads)
    with copy.read_only(system("outages")) as session:
        counts = [session.scalar(select(func.count()).select_from(model)) for model in (EmailMessage, Interaction)]
        sending = session.scalar(select(func.count()).where(Job.kind == "email.send"))
        if len({*counts, sending}) != 1:
            yield f"mails, timeline and jobs are not of one moment: {counts}, {sending}"
        digests = session.scalars(select(Attachment.sha256)).all()
    if len(digests) != number + 1:
        yield f"{len(digests)} files are named instead of {number + 1}"
    if any(hashlib.sha256(storage.path(digest).read_bytes()).hexdigest() != digest for digest in digests):
        yield "a file is not what it was"
    with copy.engine().begin() as connection:
        dispatch.take_due(connection, by="outages")
        woken = connection.scalars(select(Job.kind).where(Job.status == JobStatus.DISPATCHED)).all()
    if "email.send" in woken:
        yield "a mail would be sent"
    copy.dispose()


def _sent_by(installation: Installation, there: Settings) -> tuple[int, int, int]:
    """The last copy comes to life beside its original: mails (held, sent before its release, sent after it)."""
    url = f"{installation.settings.redis_url.removesuffix('db=0')}db=1"
    with mail_server.running(behaves=True) as server:
        told = {"redis_url": url, "smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_tls": "none"}
        copy = Database(there.database)
        with _alive(installation, there.model_copy(update=told)):
            time.sleep(WATCHED_S)
            before = server.taken.total()
            with copy.transaction(system("outages")) as session:
                held = _held(session)
                restorations.release_everything(session)
            until(lambda: not _left(copy))
        copy.dispose()
        return held, before, server.taken.total() - before


def _held(session: CrmSession) -> int:
    return session.scalar(select(func.count()).where(Job.status == JobStatus.HELD)) or 0


def _left(copy: Database) -> int:
    at_work = (JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.RUNNING)
    with copy.engine(write=False).connect() as connection:
        return connection.scalar(select(func.count()).where(Job.kind == "email.send", Job.status.in_(at_work))) or 0


@contextmanager
def _alive(installation: Installation, settings: Settings) -> Iterator[None]:
    """Worker and scheduler of the copy."""
    original = installation.use(settings)
    names = ("worker 9", "scheduler 9")
    installation.start(*names)
    try:
        yield
    finally:
        for name in names:
            installation.kill(name)
        installation.use(original)


@contextmanager
def _another(installation: Installation) -> Iterator[Settings]:
    """Settings of an empty installation; the worker of the first one rests."""
    installation.stop("worker 1")
    folder = installation.folder / "copy"
    folder.mkdir()
    url = f"sqlite:///{folder / 'crm.sqlite3'}"
    if installation.server is not None:
        with closing(psycopg.connect(installation.settings.database, autocommit=True)) as connection:
            connection.execute("CREATE DATABASE copy")
        url = make_url(installation.settings.database).set(database="copy").render_as_string(hide_password=False)
    yield installation.settings.model_copy(update={"data_dir": Path(folder), "database_url": url})
    installation.start("worker 1")
