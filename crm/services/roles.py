"""Roles and what they grant; nobody grants more than they have themselves, and the role `admin` stays what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm import access, audit
from crm.actor import Actor, Scope
from crm.columns import now
from crm.db import actor_of
from crm.entity import rule
from crm.errors import Conflict, Forbidden, NotFound, invalid
from crm.models.permission import Permission
from crm.models.role import Role, RolePermission
from crm.rights import ADMIN
from crm.services import records

Grants = Mapping[int, Scope]
#: what whoever registers gets
REGISTERED = "user"
#: known to the program by their names
_NEEDED = frozenset({ADMIN, REGISTERED})
_UNSCOPED = {"unscoped": True}


def named(session: Session, name: str) -> Role:
    """The live role of this name; NotFound otherwise."""
    role = session.scalar(select(Role).where(Role.name == name))
    if role is None:
        raise NotFound("Role %(name)s not found", name=name)
    return role


def is_within(session: Session, role_ids: Iterable[int], actor: Actor) -> bool:
    """Whether the actor has every right these roles give, with at least their scope."""
    ids = sorted(set(role_ids))
    if actor.everything or not ids:
        return True
    names = session.scalars(select(Role.name).where(Role.id.in_(ids)), execution_options=_UNSCOPED | {"trash": "any"})
    if ADMIN in set(names):
        return False
    given = (
        select(Permission.name, RolePermission.scope)
        .join(RolePermission, RolePermission.permission_id == Permission.id)
        .where(RolePermission.role_id.in_(ids))
    )
    return all(_has(actor, name, scope) for name, scope in session.execute(given, execution_options=_UNSCOPED))


def _has(actor: Actor, name: str, scope: Scope) -> bool:
    own = actor.scope(name)
    return own is not None and own.reach >= scope.reach


def set_grants(session: Session, role: Role, grants: Grants) -> None:
    """Make the role grant exactly these permissions (number → scope); the audit shows names and scopes."""
    access.require_for(session, role, "update")
    if role.name == ADMIN and not actor_of(session).everything:
        raise Forbidden("Forbidden")
    before = _told(role)
    _check(session, role, grants)
    if role.name == ADMIN and not _is_everything(session, grants):
        raise Conflict("The role admin keeps every permission")
    held = {grant.permission_id: grant for grant in role.grants}
    role.grants = [
        held.get(key) or RolePermission(permission_id=key, scope=scope) for key, scope in sorted(grants.items())
    ]
    for grant in role.grants:
        grant.scope = grants[grant.permission_id]
    session.flush()
    session.expire(role, ["grants"])
    after = _told(role)
    if after != before:
        role.updated_at = now()  # the version grows with its grants
        audit.note(session, role, "update", {"permissions": [before, after]})
        records.flush(session, Role)


def _check(session: Session, role: Role, grants: Grants) -> None:
    """Every permission exists, and the actor has what is added, widened, narrowed or taken away."""
    wanted = select(Permission.id, Permission.name).where(Permission.id.in_(grants))
    found = dict(session.execute(wanted).all())
    if missing := sorted(set(grants) - found.keys()):
        raise invalid("permissions", "Permission %(number)s not found", number=missing[0])
    actor, held = actor_of(session), {g.permission_id: g for g in role.grants}
    for key, scope in grants.items():
        if (key not in held or held[key].scope is not scope) and not _has(actor, found[key], scope):
            raise Forbidden("Forbidden")
    for key, grant in held.items():
        if grants.get(key) is not grant.scope and not _has(actor, grant.permission.name, grant.scope):
            raise Forbidden("Forbidden")


def _is_everything(session: Session, grants: Grants) -> bool:
    return set(session.scalars(select(Permission.id))) == {key for key, scope in grants.items() if scope is Scope.ALL}


def _told(role: Role) -> list[str]:
    """`view_contacts: own`, by name."""
    return sorted(f"{grant.permission.name}: {grant.scope}" for grant in role.grants)


# ---------------------------------------------------------------------------------------------- rules


@rule(Role)
def _needed_stay(session: Session, role: Role, changed: frozenset[str]) -> None:
    """The code knows these roles by their names: they cannot be renamed, and nobody else makes an `admin`."""
    history = inspect(role).attrs.name.history
    for name in _NEEDED & set(history.deleted or ()):
        raise Conflict("The role %(name)s cannot be renamed", name=name)
    if "name" in changed and ADMIN in (history.added or ()) and not actor_of(session).everything:
        raise Forbidden("Forbidden")


@records.guard_delete(Role)
def _may_go(session: Session, role: Role) -> None:
    if role.name in _NEEDED:
        raise Conflict("The role %(name)s cannot be deleted", name=role.name)
    if not is_within(session, [role.id], actor_of(session)):
        raise Forbidden("Forbidden")


@records.guard_restore(Role)
def _comes_back_within(session: Session, role: Role) -> None:
    """Whoever still holds the role gets its rights back: nobody gives what they do not have."""
    if not is_within(session, [role.id], actor_of(session)):
        raise Forbidden("Forbidden")


def grants_of(session: Session, role_ids: Iterable[int]) -> dict[int, list[Any]]:
    """role number → its (Permission, scope) rows by permission name, in one select."""
    ids = sorted(set(role_ids))
    wanted = (
        select(RolePermission.role_id, Permission, RolePermission.scope)
        .join(Permission, Permission.id == RolePermission.permission_id)
        .where(RolePermission.role_id.in_(ids))
        .order_by(Permission.id)
    )
    found: dict[int, list[Any]] = {key: [] for key in ids}
    for role_id, permission, scope in session.execute(wanted, execution_options=_UNSCOPED):
        found[role_id].append((permission, scope))
    return found
