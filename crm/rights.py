"""A user's rights, loaded from roles and teams; and the counter that tells every process when they changed."""

from __future__ import annotations

from collections import OrderedDict
from types import MappingProxyType
from typing import Any

from sqlalchemy import event, inspect, select, update
from sqlalchemy.orm import Session

from crm.actor import Actor, Scope
from crm.db import CrmSession
from crm.models.permission import Permission
from crm.models.role import Role, RolePermission
from crm.models.team import Team
from crm.models.user import User, user_role, user_team

ADMIN = "admin"
_UNSCOPED = {"unscoped": True}
#: a change of one of these changes what the user may do
_RIGHTS = ("status", "password_hash", "roles", "teams", "deleted_at", "tokens_from")
#: the rest of what an Actor tells
_TOLD = ("username", "name", "locale", "timezone")
#: how many actors a process keeps
_KEPT = 10_000


class KeptActors:
    """The actors of one process; whoever takes one out compares its `access_version` before it counts."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Actor] = OrderedDict()

    def get(self, user_id: int, version: int | None = None) -> Actor | None:
        """The one that is kept; with `version`, only if that is still its own."""
        found = self._kept.get(user_id)
        return found if found is not None and version in (None, found.access_version) else None

    def load(self, session: Session, user_id: int) -> Actor | None:
        """`load_actor`, kept from now on."""
        actor = load_actor(session, user_id)
        if actor is None:
            self._kept.pop(user_id, None)
            return None
        self._kept[user_id] = actor
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return actor


def load_actor(session: Session, user_id: int) -> Actor | None:
    """The user with the rights of this moment; None if there is no such user or they may not sign in."""
    user = session.scalar(select(User).where(User.id == user_id), execution_options=_UNSCOPED)
    if user is None or not user.status or user.deleted_at is not None:
        return None
    roles = _role_names(session, user_id)
    teams = _teams(session, user_id)
    return Actor(
        user_id=user.id,
        name=user.name or user.username,
        grants=MappingProxyType(_grants(session, user_id)),
        team_ids=frozenset(teams),
        home_team=teams[0] if teams else None,
        everything=ADMIN in roles,
        access_version=user.access_version,
        tokens_from=user.tokens_from.timestamp(),
        locale=user.locale,
        timezone=user.timezone,
    )


def _role_names(session: Session, user_id: int) -> set[str]:
    found = (
        select(Role.name)
        .join(user_role, user_role.c.role_id == Role.id)
        .where(user_role.c.user_id == user_id, Role.deleted_at.is_(None))
    )
    return set(session.scalars(found, execution_options=_UNSCOPED))


def _grants(session: Session, user_id: int) -> dict[str, Scope]:
    """Permission name → the widest scope any live role gives."""
    found = (
        select(Permission.name, RolePermission.scope)
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .join(Role, Role.id == RolePermission.role_id)
        .join(user_role, user_role.c.role_id == Role.id)
        .where(user_role.c.user_id == user_id, Role.deleted_at.is_(None))
    )
    widest: dict[str, Scope] = {}
    for name, scope in session.execute(found, execution_options=_UNSCOPED):
        if name not in widest or scope.reach > widest[name].reach:
            widest[name] = scope
    return widest


def _teams(session: Session, user_id: int) -> list[int]:
    """The user's teams (those they belong to first, then those they lead), then all teams below them."""
    rows = session.execute(
        select(Team.id, Team.parent_id, Team.lead_id).where(Team.deleted_at.is_(None)).order_by(Team.id),
        execution_options=_UNSCOPED,
    ).all()
    member = select(user_team.c.team_id).where(user_team.c.user_id == user_id).order_by(user_team.c.team_id)
    live = {row.id for row in rows}
    found = [team for team in session.scalars(member, execution_options=_UNSCOPED) if team in live]
    found += [row.id for row in rows if row.lead_id == user_id and row.id not in found]
    for team in found:  # grows while it is walked: a tree has no circles, and nothing is added twice
        found += [row.id for row in rows if row.parent_id == team and row.id not in found]
    return found


# ---------------------------------------------------------------------------------------------- access_version


@event.listens_for(CrmSession, "before_flush")
def _notice(session: Session, _context: Any, _instances: Any) -> None:
    for user in [o for o in session.dirty if isinstance(o, User)]:
        if any(inspect(user).attrs[name].history.has_changes() for name in (*_RIGHTS, *_TOLD)):
            # counted by the database: a change that another transaction made meanwhile must count too
            user.access_version = User.access_version + 1
    touched = {*session.new, *session.dirty, *session.deleted}
    roles = {o.role_id if isinstance(o, RolePermission) else o.id for o in touched if _is_rights(o)}
    if roles - {None}:
        session.info.setdefault("roles_changed", set()).update(roles - {None})
    if any(isinstance(o, Team) for o in {*session.dirty, *session.deleted}):
        session.info["teams_changed"] = True


def _is_rights(o: object) -> bool:
    return isinstance(o, Role | RolePermission)


@event.listens_for(CrmSession, "after_flush_postexec")
def _tell(session: Session, _context: Any) -> None:
    """One UPDATE for all who are touched; their processes reload them before the next answer."""
    roles: set[int] = session.info.pop("roles_changed", set())
    everyone: bool = session.info.pop("teams_changed", False)
    if not roles and not everyone:
        return
    statement = update(User).values(access_version=User.access_version + 1)
    if not everyone:
        holders = select(user_role.c.user_id).where(user_role.c.role_id.in_(sorted(roles)))
        statement = statement.where(User.id.in_(holders))
    session.execute(statement, execution_options={"unscoped": True, "synchronize_session": False})
