"""What a route's address names: the view, and the key of a record.  What makes no sense is not found."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from crm.admin import pages
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.errors import Forbidden


def view_of(request: Request, action: str = "list", *, identity: str = "") -> EntityView:
    """The view of `{identity}`, if the visitor may do `action` there; raises Forbidden."""
    wanted = identity or request.path_params.get("identity")
    views: tuple[EntityView, ...] = pages.panel_of(request).entity_views
    for view in views:
        if view.identity == wanted:
            if not view.is_accessible(request) or not view.has_permission(request, action):
                raise Forbidden("Forbidden")
            return view
    raise HTTPException(404)


def key_of(request: Request) -> int:
    """`{pk}` as a key a database can hold."""
    key = whole(request.path_params.get("pk", ""))
    if key is None:
        raise HTTPException(404)
    return key


def whole(text: object) -> int | None:
    """A positive 64-bit number, or None."""
    digits = str(text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19:
        return None
    return int(digits) if 0 < int(digits) < 2**63 else None


def may(request: Request, permission: str | None) -> bool:
    return actor_of(request).may(permission)
