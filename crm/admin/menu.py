"""The menu: what the actor may view, by section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm.actor import Actor
from crm.admin import paths
from crm.admin.views import EntityView
from crm.entity import entity_of, name_of
from crm.i18n import gettext
from crm.models.email_message import EmailMessage
from crm.models.job import Job

SECTIONS = ("Sales", "Mail", "Automation", "Settings", "Administration")
#: what is used most stands first; the rest follows by name
ENTITIES = (
    *("customer", "contact", "opportunity", "interaction", "task", "reminder", "notification"),
    *("pipeline", "stage", "lost_reason", "product", "category_type", "category", "contact_group", "tag"),
    *("user", "team", "role", "permission"),
)
#: read on the records they belong to; their own lists stand under "More"
SELDOM = frozenset(
    {
        *("contact_group", "opportunity_history", "opportunity_line", "status_history", "task_series"),
        *("email_message", "email_suppression", "email_template_version", "job_event", "notification_preference"),
        *("job", "restoration"),
    }
)


def build(views: Sequence[EntityView], actor: Actor, here: str, *, trouble: int = 0) -> list[dict[str, Any]]:
    """Sections {label, items: [{label, url, icon, active, name, seldom, count}]}; `here`: identity of the open page.

    `trouble` stands beside the job console: jobs that need somebody.
    """
    sections: dict[str, list[dict[str, Any]]] = {}
    for view in sorted(views, key=_place):
        if view.allows(actor, "view"):
            sections.setdefault(entity_of(view.model).section, []).append(_item(view, here))
    if any(view.model is EmailMessage and view.allows(actor, "view") for view in views):
        boxes = {"outbox": (gettext("Outbox"), "send"), "inbox": (gettext("Inbox"), "inbox")}
        sections[entity_of(EmailMessage).section][:0] = [
            {"label": label, "url": paths.to(name), "icon": icon, "active": here == name, "name": name}
            for name, (label, icon) in boxes.items()
        ]
    if any(view.model is Job and view.allows(actor, "view") for view in views):
        console = {"label": gettext("Job console"), "url": paths.to("jobs"), "icon": "activity", "name": "jobs"}
        found = {**console, "active": here == "jobs", "count": trouble if trouble < 100 else "99+"}
        sections.setdefault(entity_of(Job).section, []).insert(0, found)
    return [{"label": gettext(section), "items": items} for section, items in sections.items()]


def _item(view: EntityView, here: str) -> dict[str, Any]:
    return {
        "label": str(view.name_plural),
        "url": paths.list_of(view.model),
        "icon": view.icon_name,
        "active": view.identity == here,
        "name": name_of(view.model),
        "seldom": name_of(view.model) in SELDOM,
    }


def _place(view: EntityView) -> tuple[int, str, int, str]:
    section, name = entity_of(view.model).section, name_of(view.model)
    return (_rank(SECTIONS, section), section, _rank(ENTITIES, name), name)


def _rank(order: tuple[str, ...], name: str) -> int:
    return order.index(name) if name in order else len(order)
