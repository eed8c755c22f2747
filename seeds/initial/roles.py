"""The four roles and what each grants: `admin` everything, `user` to look, `sales` their own, `manager` all sales."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.actor import Scope
from crm.entity import entity_of, name_of
from crm.models.permission import Permission
from crm.models.role import Role, RolePermission
from crm.rights import ADMIN
from crm.services import records
from crm.services.permissions import Right, rights

#: what is shared by everyone and belongs to nobody
_REFERENCE = frozenset({"contact_group", "tag", "product", "pipeline", "stage", "lost_reason", "team"})
#: written by people in the course of selling
_EVERYDAY = frozenset({"contact_group", "tag"})
_MAIL = frozenset({"email_message", "email_template", "email_template_version", "email_suppression"})
#: everybody's own, whatever else they may do
_PERSONAL = frozenset({"notification", "notification_preference"})
_LOOK = frozenset({"view", "export"})
Grant = Callable[[Right], Scope | None]


def _everything(_right: Right) -> Scope | None:
    return Scope.ALL


def _user(right: Right) -> Scope | None:
    """Only views (document 004): all users, own business records; never audit, jobs or mail.

    Anyone may register in development, so this role must be harmless.
    """
    if name_of(right.model) in _PERSONAL:
        return _own(right)
    return _reading(right) if right.action == "view" else None


def _sales(right: Right) -> Scope | None:
    """Own records with everything one does to them, purging left out."""
    entity = name_of(right.model)
    if entity in _PERSONAL:
        return _own(right)
    everyday = entity in _EVERYDAY and right.action in ("create", "update")
    if everyday or (right.action in _LOOK and entity in _REFERENCE):
        return Scope.ALL
    if right.action == "purge":
        return None
    if entity in _MAIL:
        return _mail(right, may_write_templates=False)
    if entity_of(right.model).section == "Sales" and entity not in _REFERENCE:
        return Scope.OWN
    return _reading(right) if right.action == "view" else None


def _manager(right: Right) -> Scope | None:
    """All of sales with its settings, exports, and schedules of reports; no purging, no administration."""
    section, entity = entity_of(right.model).section, name_of(right.model)
    if entity in _PERSONAL:
        return _own(right)
    if entity == "schedule":
        return Scope.OWN if right.action != "purge" else None
    if right.action == "purge" or entity_of(right.model).manage:
        return None
    if entity in _MAIL:
        return _mail(right, may_write_templates=True)
    if section == "Sales" or entity in _REFERENCE - {"team"}:
        return Scope.ALL
    return _reading(right) if right.action == "view" else None


def _own(right: Right) -> Scope | None:
    return None if right.action == "purge" else Scope.OWN


def _mail(right: Right, *, may_write_templates: bool) -> Scope | None:
    """Mail is seen by whoever wrote it: that of colleagues holds links to new passwords as well."""
    entity = name_of(right.model)
    if entity == "email_message":
        return Scope.OWN
    if entity == "email_suppression":
        return Scope.ALL if may_write_templates and right.action in ("view", "create") else None
    return Scope.ALL if may_write_templates or right.action in ("view", "send_test") else None


def _reading(right: Right) -> Scope | None:
    entity = name_of(right.model)
    if entity in _REFERENCE or entity == "user":
        return Scope.ALL
    return Scope.OWN if entity_of(right.model).section == "Sales" else None


ROLES: dict[str, tuple[str, Grant]] = {
    ADMIN: ("Administrators: every right there is.", _everything),
    "user": ("Everyone: may look, at users and at their own records.", _user),
    "manager": ("Managers: all of sales, reports and exports.", _manager),
    "sales": ("Sales people: their own customers, contacts and deals.", _sales),
}
#: the product itself relies on these; the others may be deleted for good
_NEEDED = (ADMIN, "user")


def load_roles(session: Session, fresh: list[str]) -> None:
    """Make the roles that were never there, and grant to each the permissions that are new to this database."""
    all_rights = rights()
    first = len(fresh) == len(all_rights)
    new = [all_rights[name] for name in fresh]
    numbers = dict(session.execute(select(Permission.name, Permission.id)).all())
    known = {r.name: r for r in session.scalars(select(Role), execution_options={"trash": "any"})}
    for name, (description, grant) in ROLES.items():
        role, wanted = known.get(name), new
        if role is None and (first or name in _NEEDED):
            role = records.create(session, Role, {"name": name, "description": description})
            wanted = list(all_rights.values())
        if role is not None:
            held = {g.permission_id for g in role.grants}
            for right in wanted if name != ADMIN else all_rights.values():
                scope = grant(right)
                if scope is not None and numbers[right.name] not in held:
                    role.grants.append(RolePermission(permission_id=numbers[right.name], scope=scope))
    session.flush()
