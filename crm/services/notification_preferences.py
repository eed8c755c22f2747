"""Which news a user wants, and how: in the panel, by mail, both, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crm.db import actor_of
from crm.entity import rule
from crm.errors import Forbidden, invalid
from crm.models.notification_preference import NotificationPreference
from crm.services import records
from crm.services.notification_kinds import KINDS

_ANY = {"unscoped": True}


@dataclass(frozen=True, slots=True)
class Wish:
    """How one kind of news is told."""

    in_app: bool
    by_mail: bool


@rule(NotificationPreference)
def check(session: Session, preference: NotificationPreference, changed: frozenset[str]) -> None:
    """Yours, unless it says otherwise, and of a kind there is."""
    if not preference.user_id:
        user_id = actor_of(session).user_id
        if user_id is None:
            raise Forbidden("Preferences belong to a user")
        preference.user_id = user_id
    if preference.kind not in KINDS:
        raise invalid("kind", "must be one of: %(known)s", known=", ".join(KINDS))


def wish(session: Session, user_id: int, kind: str) -> Wish:
    """What the user wants of that kind; the kind's default where they never said."""
    found = session.scalar(_of(user_id).where(NotificationPreference.kind == kind), execution_options=_ANY)
    return _default(kind) if found is None else Wish(found.in_app, found.by_mail)


def wishes(session: Session, user_id: int) -> dict[str, Wish]:
    """The user's wish for every kind, in the order of the page."""
    told = {p.kind: Wish(p.in_app, p.by_mail) for p in session.scalars(_of(user_id), execution_options=_ANY)}
    return {kind: told.get(kind, _default(kind)) for kind in KINDS}


def keep(session: Session, user_id: int, wanted: Mapping[str, Wish]) -> None:
    """Store these wishes of the user, one row a kind; what is as before is left alone."""
    stored = {preference.kind: preference for preference in session.scalars(_of(user_id))}
    for kind, wished in wanted.items():
        values = {"in_app": wished.in_app, "by_mail": wished.by_mail}
        if kind not in stored:
            records.create(session, NotificationPreference, {"user_id": user_id, "kind": kind, **values})
        elif wished != Wish(stored[kind].in_app, stored[kind].by_mail):
            records.update(session, stored[kind], values)


def _default(kind: str) -> Wish:
    return Wish(in_app=True, by_mail=kind in KINDS and KINDS[kind].by_mail)


def _of(user_id: int) -> Select[NotificationPreference]:
    return select(NotificationPreference).where(NotificationPreference.user_id == user_id)
