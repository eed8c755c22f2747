"""Every kind of job, ended by force at every step, on both databases: nothing is lost, doubled or hidden."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.jobs import killpoints
from crm.jobs.killpoints import EXIT_STATUS, MAIL_STEPS, STEPS
from crm.jobs.sweep import sweep
from crm.models import EmailMessage, Job
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers.registry import KINDS
from tests.waiting import until
from tests.workers import victims
from tests.workers.conftest import jobs
from tests.workers.post_office import PostOffice
from tests.workers.samples import SAMPLES, Sample
from tests.workers.victims import Victims, work_off

#: mail ends in its own transaction, so these steps of other work do not come by
NOT_FOR_MAIL = {"mid_work", "before_finish"}
#: the body may be on its way and nobody wrote down how that ended
UNCLEAR = {"after_sending", "after_data", "after_body", "after_250", "before_sent"}


def steps_of(sample: Sample) -> list[str]:
    own = STEPS[STEPS.index("after_claim") :] if sample.is_heavy else STEPS
    return [*(set(own) - NOT_FOR_MAIL), *MAIL_STEPS] if sample.is_mail else list(own)


CASES = [(name, step) for name, sample in SAMPLES.items() for step in sorted(steps_of(sample))]


@pytest.fixture(scope="module")
def killed() -> Iterator[Victims]:
    with victims.opened() as opened:
        yield opened


@pytest.mark.parametrize(("name", "step"), CASES)
def test_a_process_that_dies_leaves_nothing_lost_doubled_or_hidden(
    database: Database, mailing: Settings, office: PostOffice, killed: Victims, name: str, step: str
) -> None:
    sample = SAMPLES[name]
    assert killed.status(mailing, name, step) == EXIT_STATUS, f"'{name}' never came to {step}"
    if step == "after_asking":
        assert jobs(database) == [], "who died before the commit has asked for nothing"
        with database.transaction(system("test")) as session:
            sample.ask(session, mailing)
    sample.age(mailing)
    recover(database, mailing)
    if sample.is_mail:
        check_mail(database, office, step, often=name != "mail")
    else:
        check_once(database, mailing, office, sample)


def recover(database: Database, settings: Settings) -> None:
    """Time goes by: leases run out, what waits is due, and other processes work."""
    past, alive = now() - timedelta(seconds=1), [JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.RUNNING]
    for _ in range(10):
        with database.engine().begin() as connection:
            running = Job.status == JobStatus.RUNNING
            connection.execute(update(Job).where(running).values(lease_until=past))
            connection.execute(update(Job).where(Job.status == JobStatus.QUEUED).values(run_at=past))
            sweep(connection, by="sweeper")
        work_off(database, settings)
        if not any(job.status in alive for job in jobs(database)):
            return
    raise AssertionError("jobs go round in circles")


def check_once(database: Database, settings: Settings, office: PostOffice, sample: Sample) -> None:
    assert {job.status for job in jobs(database)} == {JobStatus.SUCCEEDED}
    with database.read_only(system("test")) as session:
        assert sample.effects(session, settings) == 1
        mails = session.scalars(select(EmailMessage.state)).all()
    assert set(mails) <= {EmailState.SENT}
    assert len(office.taken) == len(mails)


def check_mail(database: Database, office: PostOffice, step: str, *, often: bool) -> None:
    (job,) = jobs(database)
    with database.read_only(system("test")) as session:
        mail = session.scalars(select(EmailMessage)).one()
    if step not in UNCLEAR or often:
        assert (job.status, mail.state) == (JobStatus.SUCCEEDED, EmailState.SENT)
        until(lambda: office.taken)
    else:
        assert (job.status, mail.state) == (JobStatus.UNCERTAIN, EmailState.UNCERTAIN)
    assert len(office.taken) <= (2 if often and step in UNCLEAR else 1)
    assert len({taken["Message-ID"] for taken in office.taken}) <= 1
    assert job.crashes <= 1


def test_a_process_ends_nowhere_unless_it_is_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(killpoints.VARIABLE, "after_claim")
    monkeypatch.setenv("ENV", "production")
    killpoints.reach("after_claim")
    monkeypatch.delenv("ENV")
    killpoints.reach("after_claim")


def test_every_kind_has_a_sample() -> None:
    ours = {name for name, kind in KINDS.items() if kind.run.__module__.startswith("crm.")}
    missing = ours - {sample.kind for sample in SAMPLES.values()}
    assert not missing, f"tests/workers/samples.py needs a sample of {sorted(missing)}"
