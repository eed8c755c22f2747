"""A restored copy sends no mail until it is released, whoever runs in it: waiting, asked for anew, or scheduled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm.actor import system
from crm.backup import make as backups
from crm.backup import restore as restores
from crm.columns import now
from crm.db import Database
from crm.jobs import enqueue
from crm.models import Reminder, Schedule
from crm.models.job import JobStatus
from crm.models.reminder import Channel
from crm.services import emails, records, restorations
from crm.settings import Settings
from tests import factories
from tests.databases import Databases
from tests.waiting import until
from tests.workers.conftest import jobs, until_ended
from tests.workers.post_office import PostOffice


@pytest.fixture
def there(mailing: Settings, backend: str, databases: Databases, tmp_path: Path) -> Iterator[Settings]:
    """Another installation, with an empty database and the same mail server."""
    url = databases.take(backend)
    yield mailing.model_copy(update={"data_dir": tmp_path / "there", "database_url": url})
    databases.give_back(url)


def prepare(database: Database, ann: int) -> None:
    """Three mails that wait, a reminder by mail that is due, and a report that is mailed every second."""
    with database.transaction(system("test")) as session:
        for number in range(3):
            emails.queue(session, to=f"{number}@b.example", subject="Old", text="T", key=str(number))
        due = {"subject": "Call", "user_id": ann, "channel": Channel.EMAIL, "remind_at": now() - timedelta(seconds=1)}
        records.create(session, Reminder, due)
        report: dict[str, Any] = {"report": "open_pipeline", "recipients": [ann]}
        made = {"name": "R", "kind": "report.mail", "payload": report, "interval_s": 1}
        records.create(session, Schedule, made)


def test_a_restored_copy_sends_nothing_until_it_is_released(
    database: Database,
    mailing: Settings,
    there: Settings,
    office: PostOffice,
    running: Callable[[Settings], None],
    ann: int,
) -> None:
    prepare(database, ann)
    backups.make_file(mailing, mailing.data_dir / "b.tar.gz")
    assert restores.restore(there, mailing.data_dir / "b.tar.gz").held == 3
    copy = Database(there.database)
    running(there)
    # the reminder and two reports are done by now, and what they wanted mailed is held beside the three old ones
    until(lambda: len(jobs(copy, kind="report.mail", status=JobStatus.SUCCEEDED)) >= 2)
    until(lambda: len(jobs(copy, kind="reminder.tell", status=JobStatus.SUCCEEDED)) == 1)
    mails = jobs(copy, kind="email.send")
    assert len(mails) >= 6
    assert {job.status for job in mails} == {JobStatus.HELD}
    assert office.taken == []
    with copy.transaction(system("test")) as session:
        assert restorations.release_everything(session) >= 6
    until(lambda: len(office.taken) >= 6)
    copy.dispose()


def test_a_scheduled_backup_is_made_and_the_oldest_makes_room(
    database: Database, settings: Settings, running: Callable[[Settings], None]
) -> None:
    folder = settings.data_dir / "backups"
    folder.mkdir(parents=True)
    for day in ("20200101-000000", "20200102-000000"):
        (folder / f"crm-{day}.tar.gz").write_text("old")
    (folder / "mine.tar.gz").write_text("not ours")
    with database.transaction(system("test")) as session:
        principal = factories.user(session, admin=True).id
        number = enqueue(session, "backup.make", key="b", queue="reports", attempts=3, principal_id=principal, keep=2)
    running(settings)
    assert until_ended(database, number).status is JobStatus.SUCCEEDED
    kept = sorted(path.name for path in folder.iterdir())
    assert len(kept) == 3
    assert kept[0] == "crm-20200102-000000.tar.gz"
    assert kept[-1] == "mine.tar.gz"


def test_a_backup_for_somebody_who_is_no_administrator_any_more_is_dead(
    database: Database, settings: Settings, running: Callable[[Settings], None]
) -> None:
    with database.transaction(system("test")) as session:
        principal = factories.user(session).id
        number = enqueue(session, "backup.make", key="b", queue="reports", attempts=3, principal_id=principal)
    running(settings)
    assert until_ended(database, number).status is JobStatus.DEAD
    assert not (settings.data_dir / "backups").exists()
