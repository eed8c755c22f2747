"""The primary dies under writes and its standby takes over, again and again, on lines that are cut before replies come.

What was confirmed must be there, once: always where commits wait for the standby, up to the last moments where not.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from crm.models import EmailMessage, Job
from crm.models.email_message import EmailState
from tests.outages.installation import Installation, installed
from tests.outages.scenarios import drain, read
from tests.outages.standby_servers import Pair, pair
from tests.outages.writers import Writers, writing
from tests.workers import post_office
from tests.workers.post_office import PostOffice

ROUNDS = 10
CALM_S = 2.0
#: for which the standby hears nothing before that
BEHIND_S = 0.5
#: from the death of the primary to the promotion of its standby
NOBODY_S = 1.0
#: replies of the database that do not arrive
LOST = 0.002
BACK_LIMIT_S = 10.0
Report = tuple[str, list[str]]


@dataclass(slots=True)
class Found:
    """`lost`: confirmed, and not there.  `doubled`: rows or jobs that are there twice.  `sent_twice`: mails that went
    out again.  `hidden`: neither sent nor shown as uncertain, or said to be sent and not so.
    """

    asked: int
    kept: int
    wrong: dict[int, int]
    back_s: list[float]
    cut: int
    lost: list[str]
    doubled: list[str]
    sent_twice: list[str]
    hidden: list[str]
    uncertain: int


def synchronous(folder: Path) -> Report:
    found = suffer(folder, synchronous=True)
    return _told(found), _faults(found, "lost", "doubled", "sent_twice", "hidden")


def asynchronous(folder: Path) -> Report:
    """What is lost here, or forgotten and sent again, is the price of not waiting, and no fault."""
    found = suffer(folder, synchronous=False)
    return _told(found), _faults(found, "doubled", "hidden")


def suffer(folder: Path, *, synchronous: bool, rounds: int = ROUNDS) -> Found:
    """Each round: calm, the primary dies, its standby is promoted, the dead one follows it.

    In every second round the standby has heard nothing for a moment.
    """
    folder.mkdir()
    folder.chmod(0o755)
    with (
        pair(folder / "servers", synchronous=synchronous) as servers,
        post_office.opened() as office,
        installed("postgresql", folder, servers.url, smtp_host="127.0.0.1", smtp_port=office.port) as made,
    ):
        made.start("web 1", "worker 1", "scheduler 1")
        servers.lose_replies(LOST)
        with writing(made) as writers:
            backs = [_round(servers, writers, behind=number % 2 > 0) for number in range(rounds)]
            time.sleep(CALM_S)
        servers.lose_replies(0)
        drain(made)
        return _judged(made, writers, office, backs, servers.cut)


def _round(servers: Pair, writers: Writers, *, behind: bool) -> float:
    """Seconds from the promotion to the first request that was confirmed."""
    time.sleep(CALM_S)
    if behind:
        servers.fall_behind()
        time.sleep(BEHIND_S)
    servers.lose_primary()
    time.sleep(NOBODY_S)
    servers.promote()
    promoted = time.monotonic()
    while not (later := [moment for moment in list(writers.kept.values()) if moment > promoted]):
        if time.monotonic() > promoted + 6 * BACK_LIMIT_S:
            return float("inf")
        time.sleep(0.01)
    servers.follow()
    return min(later) - promoted


def _judged(made: Installation, writers: Writers, office: PostOffice, backs: list[float], cut: int) -> Found:
    rows, jobs, states = read(made, _rows), read(made, _jobs), read(made, _states)
    sent = Counter(str(message["Subject"]) for message in office.taken)
    shown = {EmailState.SENT, EmailState.UNCERTAIN}
    return Found(
        asked=writers.asked,
        kept=len(writers.kept),
        wrong=dict(writers.wrong),
        back_s=backs,
        cut=cut,
        lost=[subject for subject in writers.kept if not rows[subject]],
        doubled=[subject for counts in (rows, jobs) for subject, count in counts.items() if count > 1],
        sent_twice=[subject for subject, count in sent.items() if count > 1],
        hidden=[name for name, state in states if state not in shown or (state is EmailState.SENT and not sent[name])],
        uncertain=sum(state is EmailState.UNCERTAIN for _, state in states),
    )


def _rows(connection: Connection) -> Counter[str]:
    return Counter(connection.scalars(select(EmailMessage.subject)))


def _jobs(connection: Connection) -> Counter[str]:
    """How many jobs there are for the mail with each subject."""
    joined = select(EmailMessage.subject).join(Job, Job.payload["message_id"].as_integer() == EmailMessage.id)
    return Counter(connection.scalars(joined.where(Job.kind == "email.send")))


def _states(connection: Connection) -> list[tuple[str, EmailState]]:
    return [(row.subject, row.state) for row in connection.execute(select(EmailMessage.subject, EmailMessage.state))]


def _told(found: Found) -> str:
    backs = sorted(found.back_s)
    return (
        f"{len(backs)} times, {found.asked} requests, {found.cut} database replies cut: {found.kept} mails confirmed, "
        f"{len(found.lost)} lost, {len(found.doubled)} doubled, {len(found.sent_twice)} sent twice, "
        f"{found.uncertain} uncertain; first confirmed {backs[len(backs) // 2]:.1f} s after the promotion, "
        f"{backs[-1]:.1f} s at the longest"
    )


def _faults(found: Found, *names: str) -> list[str]:
    faults = [f"{name}: {what[:3]}" for name in names if (what := getattr(found, name))]
    if found.wrong:
        faults.append(f"answers other than 200 and 503: {found.wrong}")
    if max(found.back_s) > BACK_LIMIT_S:
        faults.append(f"writes began {max(found.back_s):.0f} s after the promotion")
    return faults
