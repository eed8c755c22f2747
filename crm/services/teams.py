"""Teams: a tree without circles; nobody joins a team, or draws one below their own, to reach further."""

from __future__ import annotations

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm.db import actor_of
from crm.entity import rule
from crm.errors import Forbidden, invalid
from crm.models.team import Team
from crm.models.user import User
from crm.services.records import guard_restore, is_new

_UNSCOPED = {"unscoped": True}


@rule(Team)
def _no_circles(session: Session, team: Team, changed: frozenset[str]) -> None:
    if "parent_id" not in changed or is_new(team):
        return
    lock = select(Team.id, Team.parent_id).order_by(Team.id).with_for_update(key_share=True)
    above = {row.id: row.parent_id for row in session.execute(lock, execution_options=_UNSCOPED)}
    seen, parent = {team.id}, team.parent_id
    while parent is not None:
        if parent in seen:
            raise invalid("parentId", "a team cannot be below itself")
        seen.add(parent)
        parent = above.get(parent)


@rule(Team)
def _no_escalation(session: Session, team: Team, changed: frozenset[str]) -> None:
    """Whoever leads, joins or has a team below their own reaches its records."""
    actor = actor_of(session)
    if actor.everything or is_new(team) or team.id in actor.team_ids:
        return
    joined = {user.id for user in inspect(team).attrs.members.history.added or ()} if "members" in changed else set()
    leads = "lead_id" in changed and team.lead_id == actor.user_id
    below = "parent_id" in changed and team.parent_id in actor.team_ids
    if actor.user_id in joined or leads or below:
        raise Forbidden("Forbidden")


@guard_restore(Team)
def _may_come_back(session: Session, team: Team) -> None:
    """Whoever leads it, belongs to it, or has it below their own would reach its records again."""
    actor = actor_of(session)
    if actor.everything:
        return
    member = select(Team.id).where(Team.id == team.id, Team.members.any(User.id == actor.user_id))
    joined = session.scalar(member, execution_options=_UNSCOPED | {"trash": "any"}) is not None
    if joined or team.lead_id == actor.user_id or team.parent_id in actor.team_ids:
        raise Forbidden("Forbidden")
