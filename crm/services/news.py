"""Who is told what of a change: records that became theirs, their name in a text, a deal won or lost.

Changes are gathered at each flush and told just before the commit, in the same transaction: once a person and record,
as one line where many records became theirs at once, and only of what that person may see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, func, inspect, select
from sqlalchemy.orm import Session

from crm.db import CrmSession, actor_of
from crm.entity import entity_of, name_of
from crm.i18n import translate
from crm.insertion import NEWS
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.interaction import Interaction
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityChange, OpportunityHistory
from crm.models.stage import StageCategory
from crm.models.task import Task
from crm.models.team import Team
from crm.models.user import User
from crm.rights import load_actor
from crm.services import links, mentions, notifications

#: whose new owner is told, and the texts in which colleagues are named
OWNED: tuple[type[Any], ...] = (Customer, Contact, Opportunity, Task)
TEXTS: dict[type[Any], tuple[str, ...]] = {
    Interaction: ("subject", "body", "outcome"),
    Task: ("title", "description"),
    Opportunity: ("next_step", "description", "lost_notes"),
    Customer: ("description",),
    Contact: ("notes",),
}
ASSIGNED = "%(who)s assigned to you: %(name)s"
ASSIGNED_MANY = "%(who)s assigned %(count)s records to you"
MENTIONED = "%(who)s mentioned you: %(name)s"
CLOSED = {StageCategory.WON: ("deal_won", "Won: %(name)s"), StageCategory.LOST: ("deal_lost", "Lost: %(name)s")}
_ANY: dict[str, Any] = {"unscoped": True}


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to tell: its kind, about which record, to which user."""

    kind: str
    record: Any
    user_id: int

    @property
    def link(self) -> links.Link:
        """Once the record is stored."""
        return links.Link(name_of(type(self.record)), self.record.id)


# ---------------------------------------------------------------------------------------------- gathering


@event.listens_for(CrmSession, "after_flush")
def _gather(session: Session, _context: Any) -> None:
    if actor_of(session).user_id is None:
        return
    pieces: list[Piece] = session.info.setdefault("news", [])
    for record in [*session.new, *session.dirty]:
        if isinstance(record, OWNED):
            pieces += _assigned(session, record)
        if type(record) in TEXTS:
            pieces += _mentioned(session, record)
    for row in session.new:
        if isinstance(row, OpportunityHistory) and row.change is OpportunityChange.CLOSED:
            pieces += _closed(session, row)


def _concerns(session: Session, record: Any) -> bool:
    """Whether a new record is news to somebody else; it then has to go through the flush."""
    me = actor_of(session).user_id
    if isinstance(record, OWNED) and getattr(record, entity_of(type(record)).owner) not in (None, me):
        return True
    return any("@" in (getattr(record, name) or "") for name in TEXTS.get(type(record), ()))


NEWS.append(_concerns)


def _assigned(session: Session, record: Any) -> Iterator[Piece]:
    owner = entity_of(type(record)).owner
    now_theirs = getattr(record, owner)
    if now_theirs not in (None, actor_of(session).user_id) and inspect(record).attrs[owner].history.added:
        yield Piece("assigned", record, now_theirs)


def _mentioned(session: Session, record: Any) -> Iterator[Piece]:
    names: list[str] = []
    for field in TEXTS[type(record)]:
        history = inspect(record).attrs[field].history
        if history.added and "@" in (history.added[0] or ""):
            names += mentions.newly_named(history.deleted[0] if history.deleted else "", history.added[0])
    if names:
        yield from (Piece("mentioned", record, key) for key in _users_called(session, names))


def _users_called(session: Session, names: list[str]) -> list[int]:
    wanted = select(User.id).where(func.lower(User.username).in_(names[: mentions.MOST]), User.status)
    with session.no_autoflush:
        found = session.connection().execute(wanted.where(User.deleted_at.is_(None))).scalars()
    return [key for key in found if key != actor_of(session).user_id]


def _closed(session: Session, row: OpportunityHistory) -> Iterator[Piece]:
    deal = row.opportunity
    stage = row.to_stage
    if stage is None or stage.category not in CLOSED:
        return
    kind = CLOSED[stage.category][0]
    yield from (Piece(kind, deal, key) for key in _close_to(session, deal) if key != actor_of(session).user_id)


def _close_to(session: Session, deal: Opportunity) -> list[int]:
    """Its owner, their manager, and the lead of its team."""
    with session.no_autoflush:
        connection = session.connection()
        manager = connection.scalar(select(User.manager_id).where(User.id == deal.owner_id))
        lead = connection.scalar(select(Team.lead_id).where(Team.id == deal.team_id))
    return list(dict.fromkeys(key for key in (deal.owner_id, manager, lead) if key is not None))


# ---------------------------------------------------------------------------------------------- telling


@event.listens_for(CrmSession, "before_commit")
def _tell(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.get("news"):
        return
    session.flush()
    pieces: list[Piece] = session.info.pop("news")
    by_user: dict[int, dict[tuple[str, links.Link], Piece]] = {}
    for piece in pieces:
        if not inspect(piece.record).persistent:
            continue  # a savepoint was rolled back
        mine = by_user.setdefault(piece.user_id, {})
        mine[piece.kind, piece.link] = piece
    for user_id, theirs in by_user.items():
        _tell_user(session, user_id, list(theirs.values()))


def _tell_user(session: Session, user_id: int, pieces: list[Piece]) -> None:
    reader = load_actor(session, user_id)
    if reader is None:
        return
    user = session.get_one(User, user_id, execution_options=_ANY)
    seen = [piece for piece in pieces if links.seen_by(session, piece.link, reader) is not None]
    assigned = [piece for piece in seen if piece.kind == "assigned"]
    if len(assigned) > 1:
        _tell_of_many(session, user, assigned)
    for piece in seen:
        if piece.kind != "assigned" or len(assigned) == 1:
            _tell_of_one(session, user, piece)


def _tell_of_one(session: Session, user: User, piece: Piece) -> None:
    record, about = piece.record, piece.link
    title = translate(user.locale, TITLES[piece.kind], who=actor_of(session).name, name=_label(record))
    key = f"{piece.kind}:{about.record_type}:{record.id}:{record.version}:{user.id}"
    notifications.tell(session, user, kind=piece.kind, title=title, key=key, link=links.path(about), about=about)


def _tell_of_many(session: Session, user: User, pieces: list[Piece]) -> None:
    first = pieces[0].record
    title = translate(user.locale, ASSIGNED_MANY, who=actor_of(session).name, count=len(pieces))
    body = "\n".join(_label(piece.record) for piece in pieces[:10])
    key = f"assigned:{len(pieces)}:{name_of(type(first))}:{first.id}:{first.version}:{user.id}"
    link = links.list_path(type(first), **{entity_of(type(first)).owner: user.id})
    notifications.tell(session, user, kind="assigned", title=title, body=body, key=key, link=link)


def _label(record: Any) -> str:
    return str(getattr(record, entity_of(type(record)).label))


TITLES = {"assigned": ASSIGNED, "mentioned": MENTIONED, **dict(CLOSED.values())}
