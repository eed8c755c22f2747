"""Users: names that cannot be mistaken, passwords, and the two guards: no escalation, and one administrator stays.

Both guards are rules, so every door has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, inspect, select
from sqlalchemy.orm import Session

from crm import zones
from crm.actor import Actor
from crm.columns import now
from crm.db import actor_of
from crm.entity import rule
from crm.errors import BadInput, Conflict, Forbidden, invalid
from crm.models.role import Role
from crm.models.user import User, user_role
from crm.rights import ADMIN
from crm.services import passwords, records
from crm.services.roles import is_within, named

DEFAULT_NAME, DEFAULT_PASSWORD = "admin", "admin123"
LAST_ADMIN = "The last administrator cannot be removed, disabled or demoted"
_UNSCOPED = {"unscoped": True}


def create(session: Session, values: records.Values, *, password_hash: str) -> User:
    """A user who can sign in; `password_hash` is made by `passwords.hash_password` outside the transaction."""
    made: User = records.create(session, User, values, hidden={"password_hash": password_hash})
    return made


def zone_of(session: Session, user_id: int | None) -> ZoneInfo:
    """Where the user lives, as far as they said; else the system's zone."""
    user = session.get(User, user_id, execution_options=_UNSCOPED) if user_id is not None else None
    return zones.zone(user.timezone if user is not None else "")


def update(
    session: Session,
    user: User,
    values: records.Values,
    *,
    password_hash: str | None = None,
    expected_version: records.Expected = None,
) -> User:
    """Change what is sent; a new password voids every token and session of the user."""
    hidden = {"password_hash": password_hash, "tokens_from": now()} if password_hash else None
    changed: User = records.update(session, user, values, expected_version=expected_version, hidden=hidden)
    return changed


def delete(session: Session, user: User, *, expected_version: records.Expected = None) -> None:
    """Move to the trash; tokens and sessions of the user are void from now on."""
    records.delete(session, user, expected_version=expected_version)


def add(session: Session, *, username: str, email: str, password_hash: str, roles: Iterable[str] = ()) -> User:
    """A user by names of roles, for the command line, the initial data and registration."""
    values = {"username": username, "email": email, "roles": [named(session, role).id for role in roles]}
    return create(session, values, password_hash=password_hash)


def default_password_stands(session: Session) -> bool:
    """Whether somebody can still sign in as the printed default account."""
    wanted = select(User.password_hash).where(User.username == DEFAULT_NAME, User.status, User.deleted_at.is_(None))
    found = session.scalars(wanted, execution_options=_UNSCOPED)
    return any(passwords.matches(DEFAULT_PASSWORD, stored) for stored in found)


# ---------------------------------------------------------------------------------------------- rules


@rule(User)
def _names_are_clear(_session: Session, user: User, changed: frozenset[str]) -> None:
    """A name with @ must be the user's own address: else it could catch the sign-in of another user."""
    if not changed & {"username", "email"}:
        return
    if not user.username.isprintable():
        raise invalid("username", "must be text without control characters")
    if "@" in user.username and user.username.lower() != user.email.lower():
        raise invalid("username", "may hold @ only if it is the user's own e-mail address")


@rule(User)
def _name_is_free(session: Session, user: User, changed: frozenset[str]) -> None:
    """Said before the address: where both are taken, each database would name another one."""
    if "username" not in changed:
        return
    taken = select(User.id).where(func.lower(User.username) == func.lower(user.username), User.deleted_at.is_(None))
    if session.scalar(taken.where(User.id != user.id).limit(1), execution_options=_UNSCOPED) is not None:
        raise BadInput("Username already exists")


@rule(User)
def _no_escalation(session: Session, user: User, changed: frozenset[str]) -> None:
    """Nobody gives away, takes away or takes over rights they do not have themselves."""
    actor = actor_of(session)
    if actor.everything:
        return
    before, after = _roles(user)
    mine = not records.is_new(user) and user.id == actor.user_id
    touched = before ^ after if mine else before | after
    if not is_within(session, touched, actor) or (mine and "teams" in changed and _reaches_further(user, actor)):
        raise Forbidden("Forbidden")


def _roles(user: User) -> tuple[set[int], set[int]]:
    """Numbers of the roles before and after the change that is about to be saved."""
    history = inspect(user).attrs.roles.load_history()  # also where nobody has looked at them yet
    kept = {role.id for role in history.unchanged or ()}
    return kept | {r.id for r in history.deleted or ()}, kept | {r.id for r in history.added or ()}


def _reaches_further(user: User, actor: Actor) -> bool:
    added = inspect(user).attrs.teams.history.added or ()
    return any(team.id not in actor.team_ids for team in added)


@rule(User)
def _one_admin_stays(session: Session, user: User, changed: frozenset[str]) -> None:
    if records.is_new(user) or not changed & {"status", "roles"}:
        return
    if not user.status or ADMIN not in {role.name for role in user.roles}:
        _keep_one(session, user)


@rule(User)
def _disabled_at_once(_session: Session, user: User, changed: frozenset[str]) -> None:
    """Enabling the user again does not bring old tokens back."""
    if not records.is_new(user) and "status" in changed and not user.status:
        user.tokens_from = now()


@records.guard_delete(User)
def _may_go(session: Session, user: User) -> None:
    _no_escalation(session, user, frozenset())
    _keep_one(session, user)
    user.tokens_from = now()


@records.guard_restore(User)
def _may_come_back(session: Session, user: User) -> None:
    """With the roles the user had, so the same rights are needed as to give them."""
    _no_escalation(session, user, frozenset())


def _keep_one(session: Session, user: User) -> None:
    """Conflict if this is the last administrator; the lock makes two who demote each other take turns."""
    with session.no_autoflush:
        if session.scalar(_admins().where(User.id == user.id), execution_options=_UNSCOPED) is None:
            return
        lock = select(Role.id).where(Role.name == ADMIN).with_for_update(key_share=True)
        session.execute(lock, execution_options=_UNSCOPED)
        others = _admins().where(User.id != user.id).limit(1)
        if session.scalar(others, execution_options=_UNSCOPED) is None:
            raise Conflict(LAST_ADMIN)


def _admins() -> Select[Any]:
    """Numbers of those who are administrators now and may sign in."""
    held = select(user_role.c.user_id).join(Role, Role.id == user_role.c.role_id)
    held = held.where(Role.name == ADMIN, Role.deleted_at.is_(None))
    return select(User.id).where(User.id.in_(held), User.status, User.deleted_at.is_(None))
