"""Sends one mail: what can be repeated is, and the one step that cannot is fenced and, if unclear, shown to a human.

The row says `sending` before the first byte of the body leaves, in a transaction that holds the lease; so a worker that
was replaced sends nothing, and one that vanishes leaves a mail that nobody sends twice.

A server that is away holds few threads and spends no mail's attempts: after some failures in a row the whole queue
waits, and one mail at a time finds out whether it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.errors import HeaderParseError
from email.message import EmailMessage as MimeMessage
from functools import partial
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from crm.columns import now
from crm.files.storage import Storage
from crm.jobs import lease as leases
from crm.jobs import pauses
from crm.jobs.killpoints import reach
from crm.logs import logger
from crm.mail import message as mime
from crm.mail import smtp
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import JobEffect
from crm.services import emails
from crm.workers import circuits
from crm.workers.circuits import Circuit
from crm.workers.registry import Permanent
from crm.workers.run import Run, persist, write_down

_UNCLEAR = "An earlier worker vanished while it handed the mail over"
_GONE = "A file of this mail is gone"
_AWAY = "The database went away before anything was handed over"
_WAITS = "The mail server is away; another mail finds out when it is back"
QUEUE = "mail"
#: the others follow so much later than the one that tries
GAP_S = 2.0
#: for so long a server may be away without a mail's attempts being counted
PATIENCE = timedelta(days=3)
_DATABASE = (OperationalError, InterfaceError)
_log = logger(__name__)


def deliver(run: Run, message_id: int) -> None:
    """Send the mail and end the job; without a mail server it is captured."""
    prepared = _prepare(run, message_id)
    if prepared is None:
        return
    message, recipient = prepared
    sender = mime.sender_of(run.settings).addr_spec
    circuit = circuits.of_mail_server(run.settings.smtp_host, run.settings.smtp_port)
    if wait_s := circuit.wait_s():
        return _wait(run, wait_s)
    begun = False
    try:
        with smtp.connected(run.settings, message, sender=sender, recipient=recipient) as handover:
            reach("after_rcpt")
            _begin(run, message_id, header=str(message["Message-ID"]))
            begun = True
            reach("after_sending")
            _sent(run, message_id, handover.complete())
            reach("after_sent")
        _reached(run, circuit)
    except smtp.Away as error:
        _away(run, message_id, error, circuit.failed())
    except (smtp.Refused, smtp.TryLater) as error:
        (_refused if isinstance(error, smtp.Refused) else _later)(run, message_id, error)
        _reached(run, circuit)
    except smtp.NoAnswer as error:
        _unclear(run, message_id, error)
        _hold_up(run, circuit.failed())
    except BaseException as error:  # the process is interrupted between the body and the answer
        if begun and not run.ended:
            _unclear(run, message_id, smtp.NoAnswer(0, f"Interrupted: {type(error).__name__}"))
        elif isinstance(error, _DATABASE) and not begun:
            return _later(run, message_id, smtp.TryLater(0, _AWAY))  # `sending`, kept or not, is taken back
        raise


def _prepare(run: Run, message_id: int) -> tuple[MimeMessage, str] | None:
    """The mail to send and whom to bring it to, or None when the job could be ended at once."""
    with run.transaction() as session:
        stored = emails.get(session, message_id)
        if stored is None:
            raise Permanent("There is no mail %(number)s", number=message_id)
        if stored.state is EmailState.SENDING and run.lease.effect is JobEffect.AT_MOST_ONCE:
            emails.conclude(session, stored, EmailState.UNCERTAIN, code=0, reply=_UNCLEAR)
            run.end(session, leases.leave_uncertain, why=_UNCLEAR)
        elif stored.state not in (EmailState.READY, EmailState.SENDING):
            run.end(session, leases.finish, note=f"the mail is {stored.state.value} already")
        elif emails.unwanted(session, stored):
            emails.conclude(session, stored, EmailState.CANCELLED, code=0, reply=emails.UNWANTED)
            run.end(session, leases.cancel, why=emails.UNWANTED)
        elif not run.settings.smtp_host:
            emails.capture(session, stored)
            run.end(session, leases.finish, note="captured: no SMTP_HOST is set")
        else:
            return _composed(run, session, stored)
    return None


def _composed(run: Run, session: Session, stored: EmailMessage) -> tuple[MimeMessage, str] | None:
    """With its files; None, and the job ended, where one of them is gone or a header cannot be written."""
    storage = Storage(run.settings.uploads)
    try:
        files = [
            mime.File(found.name, found.media_type, storage.path(found.sha256).read_bytes())
            for found in emails.files_of(session, stored)
        ]
        original = emails.original_of(session, stored)
        made = mime.compose(stored, run.settings, date=now(), files=files, original=original)
        return made, mime.recipient_of(stored)
    except FileNotFoundError:
        why = _GONE
    except (ValueError, HeaderParseError) as error:
        why = f"{type(error).__name__}: {error}"[:500]
    emails.conclude(session, stored, EmailState.REFUSED, code=0, reply=why)
    run.end(session, leases.give_up, error_class="Refused", why=why)
    return None


def _begin(run: Run, message_id: int, *, header: str) -> None:
    with run.transaction() as session:
        run.fence(session)
        emails.begin(session, _stored(emails.get(session, message_id)), header=header)


def _sent(run: Run, message_id: int, answer: smtp.Answer) -> None:
    note = f"{answer.code} {answer.reply}"
    _log.info("mail taken by the server", mail=message_id, job=run.lease.job_id, answer=note)
    _conclude(run, message_id, EmailState.SENT, answer.code, answer.reply, leases.finish_late, note=note)


def _refused(run: Run, message_id: int, error: smtp.MailError) -> None:
    options = {"error_class": "Refused", "why": str(error)}
    _conclude(run, message_id, EmailState.REFUSED, error.code, error.reply, leases.give_up, **options)


def _later(run: Run, message_id: int, error: smtp.MailError) -> None:
    """After the last attempt the mail counts as refused, with the last answer."""
    state = EmailState.REFUSED if run.lease.last else EmailState.READY
    options = {"error_class": type(error).__name__, "why": str(error)}
    _conclude(run, message_id, state, error.code, error.reply, leases.try_later, **options)


def _away(run: Run, message_id: int, error: smtp.Away, pause_s: float) -> None:
    """An attempt is counted as long as it may have been a hiccup, and once the server is away for days."""
    with run.database.read_only(run.actor) as session:
        is_old = _stored(emails.get(session, message_id)).created_at < now() - PATIENCE
    _hold_up(run, pause_s)  # before its own end: it is to be the first that tries again
    if is_old or not pause_s:
        _later(run, message_id, error)
    else:
        options = {"seconds": pause_s, "why": str(error)}
        _conclude(run, message_id, EmailState.READY, error.code, error.reply, leases.put_off, **options)


def _hold_up(run: Run, pause_s: float) -> None:
    if pause_s:
        write_down(run.database, partial(pauses.put_off, queue=QUEUE, seconds=pause_s + GAP_S, why=_WAITS))
        _log.warning("the mail server is away", server=run.settings.smtp_host, pause_s=pause_s)


def _wait(run: Run, wait_s: float) -> None:
    """Nothing was tried."""
    with run.transaction() as session:
        run.end(session, leases.put_off, seconds=wait_s + GAP_S, why=_WAITS)


def _reached(run: Run, circuit: Circuit) -> None:
    """The server answered: what waited for it begins."""
    if circuit.worked():
        write_down(run.database, partial(pauses.fetch_back, queue=QUEUE, seconds=circuits.TRIAL_S + 2 * GAP_S))
        _log.info("the mail server is back", server=run.settings.smtp_host)


def _unclear(run: Run, message_id: int, error: smtp.NoAnswer) -> None:
    """Mail that is better sent twice than lost is sent again."""
    if run.lease.effect is not JobEffect.AT_MOST_ONCE:
        return _later(run, message_id, error)
    why = f"No answer after the body was sent: {error.reply}"
    _conclude(run, message_id, EmailState.UNCERTAIN, 0, error.reply, leases.leave_uncertain, why=why)


def _conclude(
    run: Run,
    message_id: int,
    state: EmailState,
    code: int,
    reply: str,
    statement: Callable[..., None],
    **options: Any,
) -> None:
    """Mail and job change together, however long the database is away."""

    def once() -> None:
        with run.transaction() as session:
            stored = _stored(emails.get(session, message_id))
            emails.conclude(session, stored, state, code=code, reply=reply)
            run.end(session, statement, **options)
            reach("before_sent")

    persist(once)


def _stored(found: EmailMessage | None) -> EmailMessage:
    if found is None:
        raise Permanent("The mail is gone")
    return found
