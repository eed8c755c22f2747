"""Who is in a group, on the group's own page: contacts to take in by their names, and to take out again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import access, formats
from crm.admin import pages, paths
from crm.admin.record_parts import Made, record_part
from crm.admin.urls import key_of, view_of, whole
from crm.admin.visitor import actor_of
from crm.db import actor_of as session_actor
from crm.entity import permission
from crm.errors import BadInput, CrmError, Forbidden
from crm.i18n import error_text, gettext
from crm.models.contact import Contact
from crm.models.contact_group import ContactGroup
from crm.models.customer import Customer
from crm.services import contact_groups

SHOWN = 50
MOST = 1000


@record_part(ContactGroup, "crm/group_members.html", first=True)
def members(session: Session, group: ContactGroup) -> Made:
    """{rows: [{id, name, url, about, may}], count, all_url, post_url, lookup_url}: those the reader sees, by name."""
    actor = session_actor(session)
    if not actor.may(permission(Contact, "view")) or group.deleted_at is not None:
        return None
    inside = Contact.groups.any(ContactGroup.id == group.id)
    total = session.scalar(select(func.count(Contact.id)).where(inside)) or 0
    found = session.scalars(select(Contact).where(inside).order_by(Contact.name, Contact.id).limit(SHOWN)).all()
    may = actor.may(permission(Contact, "update"))
    return {
        "rows": _rows(session, found, may=may),
        "count": formats.number(total),
        "more": total > len(found),
        "all_url": paths.list_of(Contact, groups=group.id),
        "post_url": paths.to(paths.identity(ContactGroup), "members", group.id) if may else "",
        "lookup_url": paths.to("links", "lookup", kind="contact"),
        "pickers": may,
    }


def _rows(session: Session, found: Any, *, may: bool) -> list[dict[str, Any]]:
    firms = {one.customer_id for one in found} - {None}
    names = dict(session.execute(select(Customer.id, Customer.name).where(Customer.id.in_(firms))).all())
    return [
        {
            "id": one.id,
            "name": one.name,
            "url": paths.details_of(Contact, one.id),
            "about": " · ".join(text for text in (one.job_title, names.get(one.customer_id, "")) if text),
            "may": may and access.allows(session, one, "update"),
        }
        for one in found
    ]


async def change(request: Request) -> Response:
    """POST /contact-group/members/{pk}: `add` and `remove` are contacts' numbers; all of them, or none."""
    view, key = view_of(request, "details", identity=paths.identity(ContactGroup)), key_of(request)
    if not actor_of(request).may(permission(Contact, "update")):
        raise Forbidden("Forbidden")
    form = await request.form(max_fields=MOST + 10)
    back = paths.details_of(view.model, key) + "#members"
    try:
        coming, going = (_numbers(form.getlist(name)) for name in ("add", "remove"))
        if not coming and not going:
            raise BadInput("Choose a contact first")
        added, removed = await pages.panel_of(request).database.run(actor_of(request), _change, key, coming, going)
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return pages.redirect(request, back, error_text(error), "error")
    told = gettext("%(count)s taken out", count=removed) if going else gettext("%(count)s added", count=added)
    return pages.redirect(request, back, told)


def _change(session: Session, key: int, coming: list[int], going: list[int]) -> tuple[int, int]:
    group = access.find(session, ContactGroup, key)
    added = contact_groups.add_members(session, group, coming) if coming else 0
    return added, contact_groups.remove_members(session, group, going) if going else 0


def _numbers(texts: list[Any]) -> list[int]:
    """Without scripts they are typed, with spaces or commas between them."""
    found = [whole(text) for one in texts for text in str(one).replace(",", " ").split()]
    if None in found or len(found) > MOST:
        raise BadInput("Choose up to %(most)s records", most=MOST)
    return [number for number in found if number is not None]
