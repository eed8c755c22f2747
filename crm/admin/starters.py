"""What can be begun from a record: forms that know already what they are about, and lead back to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from crm.admin import paths
from crm.admin.forms import LINK
from crm.db import actor_of
from crm.entity import REGISTRY, entity_of, name_of, permission, title_of
from crm.i18n import gettext, lazy
from crm.models.task import CLOSED, Task
from crm.services import links

_ABOUT_IT = {"task": "record_id", "reminder": "record_id"}
#: record → what is begun from it, in the order of the menu: the entity, and the field that points at the record
BEGUN: dict[str, dict[str, str]] = {
    "customer": {"opportunity": "customer_id", "contact": "customer_id", "interaction": "customer_id", **_ABOUT_IT},
    "contact": {"opportunity": "contact_id", "interaction": "contact_id", **_ABOUT_IT},
    "opportunity": {"interaction": "opportunity_id", **_ABOUT_IT},
    "interaction": _ABOUT_IT,
    "product": _ABOUT_IT,
    "task": {"task": "parent_id", "reminder": "record_id"},
}
_SUBTASK = lazy("Subtask")
#: what a form takes over from the record: a deal of a contact is one of their company
_TAKEN = ("customer", "contact")


def offered(session: Session, record: Any) -> list[dict[str, str]]:
    """{name, label, icon, url} of each form the actor may fill in."""
    actor, here = actor_of(session), name_of(type(record))
    wanted = {} if isinstance(record, Task) and record.status in CLOSED else BEGUN.get(here, {})
    back = paths.details_of(type(record), record.id)
    return [
        {
            "name": name,
            "label": str(_SUBTASK) if name == here else gettext(title_of(REGISTRY[name])),
            "icon": entity_of(REGISTRY[name]).icon,
            "url": paths.to(paths.identity(REGISTRY[name]), "create", **_given(session, record, name, by), back=back),
        }
        for name, by in wanted.items()
        if actor.may(permission(REGISTRY[name], "create"))
    ]


def _given(session: Session, record: Any, name: str, by: str) -> dict[str, object]:
    """What stands in the form already; of what the record points at, only what the actor sees."""
    if by == "record_id":
        return dict(zip(LINK, (name_of(type(record)), record.id), strict=True))
    if by == "parent_id":
        about = links.seen_by(session, record, actor_of(session))
        return {by: record.id} | (dict(zip(LINK, (record.record_type, about.id), strict=True)) if about else {})
    form = entity_of(REGISTRY[name]).form
    seen = {f"{one}_id": getattr(record, one, None) for one in _TAKEN}
    return {by: record.id} | {n: one.id for n, one in seen.items() if one is not None and n in form and n != by}
