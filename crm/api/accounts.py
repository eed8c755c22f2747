"""A user as document 004 shows one who signs in: with roles, and the permissions of each."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from crm.api.json_schema import FLAG, NUMBER, TEXT, many, record
from crm.models.permission import Permission
from crm.models.user import User
from crm.services.roles import grants_of

PERMISSION = record(id=NUMBER, name=TEXT, action=TEXT, resource=TEXT)
ROLE = record(id=NUMBER, name=TEXT, description=TEXT, Permissions=many(PERMISSION))
ACCOUNT = record(id=NUMBER, username=TEXT, email=TEXT, status=FLAG, roles=many(ROLE))


def account(session: Session, user: User) -> dict[str, Any]:
    """`{id, username, email, status, roles: [{id, name, description, Permissions}]}`; three selects in all."""
    grants = grants_of(session, [role.id for role in user.roles])
    roles = [
        {
            "id": role.id,
            "name": role.name,
            "description": role.description,
            "Permissions": [_permission(permission) for permission, _ in grants[role.id]],
        }
        for role in user.roles
    ]
    shown = {"id": user.id, "username": user.username, "email": user.email, "status": user.status}
    return {**shown, "roles": roles}


def _permission(permission: Permission) -> dict[str, Any]:
    return {
        "id": permission.id,
        "name": permission.name,
        "action": permission.action,
        "resource": permission.resource,
    }
