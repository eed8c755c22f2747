"""The open pipeline by mail, to each recipient in their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.errors import NotFound, invalid
from crm.i18n import translate
from crm.mail.rendering import render
from crm.models.user import User
from crm.services import emails, pipeline_figures
from crm.services.schedules import SCHEDULABLE, Schedulable, check_recipients

REPORTS = ("open_pipeline",)
SUBJECT = "Open pipeline"


def send(
    session: Session, report: str, recipients: Sequence[int], *, fire: str, address: str = "", timezone: str = "UTC"
) -> None:
    """Mail `report` with the actor's view of the figures; `fire` names the occasion, so that each is mailed once.

    Recipients who can no longer sign in are left out.  Asks for `email.send`.
    """
    if report not in REPORTS:
        raise NotFound("%(what)s not found", what="Report")
    figures = pipeline_figures.open_pipeline(session)
    values = {"figures": figures, "totals": pipeline_figures.by_currency(figures), "moment_of": now()}
    wanted = select(User).where(User.id.in_(recipients), User.status, User.deleted_at.is_(None)).order_by(User.id)
    for user in session.scalars(wanted, execution_options={"unscoped": True}):
        mail = render("open_pipeline", language=user.locale, zone=user.timezone or timezone, address=address, **values)
        emails.queue(
            session,
            to=user.email,
            to_name=user.name,
            subject=translate(user.locale, SUBJECT),
            text=mail.text,
            html=mail.html,
            key=f"report:{fire}:{user.id}",
            owner_id=user.id,
        )


def check(session: Session, payload: Mapping[str, Any]) -> None:
    """What a schedule of `report.mail` must carry; raises BadInput."""
    if set(payload) - {"report", "recipients"} or payload.get("report") not in REPORTS:
        raise invalid("payload", "must be an object with report (%(reports)s) and recipients", reports=REPORTS[0])
    check_recipients(session, payload.get("recipients"))


SCHEDULABLE["report.mail"] = Schedulable(queue="reports", check=check)
