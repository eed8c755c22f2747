"""What a worker does with a wake-up: claim the job, run its handler, write down how it ended."""

from __future__ import annotations

from functools import partial

from dramatiq.middleware import Shutdown
from dramatiq.middleware.threading import Interrupt
from sqlalchemy.exc import DBAPIError

from crm.actor import Actor, system
from crm.db import Database
from crm.errors import BadInput, CrmError, Forbidden, NotFound
from crm.jobs import lease as leases
from crm.jobs.killpoints import reach
from crm.jobs.lease import Lease, LeaseLost
from crm.logs import logger, request_id
from crm.redaction import redacted, words
from crm.rights import load_actor
from crm.settings import Settings
from crm.workers.heartbeat import Heartbeat, Hold, Wish
from crm.workers.registry import Kind, Permanent, arguments, kind_of
from crm.workers.run import Run, Stopped, write_down

#: trying again would meet the same answer
_FINAL = (Permanent, BadInput, Forbidden, NotFound)
#: so long a wake-up outlives an outage of the database; after that the relay sends another
CLAIM_LIMIT_S = 15.0
_log = logger(__name__)


def execute(database: Database, settings: Settings, heartbeat: Heartbeat, job_id: int, *, worker: str) -> bool:
    """Run the job if it can be claimed; False if there was nothing to do. Errors end in the job's row, not here."""
    reach("before_claim")
    claim = partial(leases.claim, job_id=job_id, worker=worker, lease_s=heartbeat.lease_s)
    lease = write_down(database, claim, limit_s=CLAIM_LIMIT_S)
    if lease is None:
        return False
    reach("after_claim")
    token = request_id.set(lease.request_id or f"job-{job_id}")
    try:
        with heartbeat.holding(lease) as hold:
            _attempt(database, settings, hold, heartbeat.lease_s)
    finally:
        request_id.reset(token)
    reach("after_finish")
    return True


def _attempt(database: Database, settings: Settings, hold: Hold, lease_s: float) -> None:
    lease = hold.lease
    try:
        _work(database, settings, hold, lease_s)
        _log.debug("job ended", job=lease.job_id, kind=lease.kind)
    except LeaseLost:
        _log.warning("job was taken over by another worker", job=lease.job_id, kind=lease.kind)
    except (Stopped, Shutdown) as error:
        cancelled = isinstance(error, Stopped) and error.wish is Wish.CANCEL
        statement, why = (leases.cancel, Wish.CANCEL) if cancelled else (leases.give_back, Wish.STOP)
        _end(database, partial(statement, lease=lease, why=why.value))
    except _FINAL as error:
        _fail(database, settings, lease, error, final=True)
    except (Exception, Interrupt) as error:
        _fail(database, settings, lease, error, final=False)


def _work(database: Database, settings: Settings, hold: Hold, lease_s: float) -> None:
    lease = hold.lease
    kind = kind_of(lease.kind)
    values = arguments(kind, lease.payload)
    run = Run(database, settings, hold, _actor(database, kind, lease), lease_s=lease_s)
    if kind.own_steps:
        kind.run(run, **values)
    if run.ended:
        return
    with run.transaction() as session:
        if not kind.own_steps:
            kind.run(session, **values)
            session.flush()
        reach("mid_work")
        run.end(session, leases.finish)
        reach("before_finish")


def _actor(database: Database, kind: Kind, lease: Lease) -> Actor:
    """Whoever asked for the job, with the rights of this moment."""
    if kind.as_system or lease.principal_id is None:
        return system(kind.name)
    with database.read_only(system(kind.name)) as session:
        actor = load_actor(session, lease.principal_id)
    if actor is None:
        raise Permanent("Who asked for this may no longer sign in")
    return actor


def _fail(database: Database, settings: Settings, lease: Lease, error: BaseException, *, final: bool) -> None:
    why, name = redacted(reason(error), settings), type(error).__name__
    _log.warning(
        "job failed", job=lease.job_id, kind=lease.kind, attempt=lease.attempt + 1, error=name, why=words(error)
    )
    statement = leases.give_up if final else leases.try_later
    _end(database, partial(statement, lease=lease, error_class=name, why=why))


def _end(database: Database, statement: partial[None]) -> None:
    try:
        write_down(database, statement)
    except LeaseLost:
        _log.warning("job was taken over by another worker")


def reason(error: BaseException) -> str:
    """A sentence for the job's row: no SQL, and nothing of a statement's values."""
    if isinstance(error, DBAPIError):
        return f"Database: {str(error.orig).partition(chr(10))[0]}"
    if isinstance(error, Interrupt):
        return "It took longer than a job may take"
    return str(error) if isinstance(error, CrmError) else f"{type(error).__name__}: {error}"
