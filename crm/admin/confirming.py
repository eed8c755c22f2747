"""Before something is deleted: what goes with it and what stays, in numbers; the page posts what does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import formats
from crm.admin import pages, paths, related_panels
from crm.admin.labels import title_of
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.entity import REGISTRY, entity_of, operations_of, permission, titles_of
from crm.i18n import gettext
from crm.services import consequences, trash


async def page(
    request: Request,
    view: EntityView,
    verb: str,
    keys: Sequence[int],
    *,
    action: str,
    back: str,
    sent: Sequence[tuple[str, str]] = (),
) -> Response:
    """Asks whether these records shall be deleted, or purged; `sent` is sent again with the answer."""
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        found = await session.run_sync(_consequences, view.model, verb, keys)
        title = await session.run_sync(title_of, view.model, keys[0]) if len(keys) == 1 else ""
    what = title or f"{view.name_plural} ({formats.number(len(keys))})"
    context = {
        "model_view": view,
        "verb": verb,
        "heading": _heading(view, verb, what),
        "goes": [_row(view.model, *item) for item in found.goes.items()],
        "stays": [_row(view.model, *item) for item in found.stays.items()],
        "refused": [_row(view.model, *item) for item in found.refused.items()],
        "others": formats.number(found.others) if found.others else "",
        "allowed": found.allowed,
        "for_good": verb == "purge" or not view.has_trash,
        "hand_over_url": _hand_over(request, view, keys),
        "form_action": action,
        "sent": sent,
        "urls": {"back": back, "list": paths.list_of(view.model)},
        "breadcrumbs": [
            {"label": str(view.name_plural), "url": paths.list_of(view.model)},
            *([{"label": title, "url": back}] if title else []),
            {"label": gettext("Delete"), "url": ""},
        ],
        "page_title": gettext("Delete"),
    }
    return pages.render(request, "crm/removal.html", context)


def _consequences(session: Session, model: type[Any], verb: str, keys: Sequence[int]) -> consequences.Consequences:
    if verb == "purge":
        records = [session.get_one(model, key, execution_options={"trash": "any"}) for key in keys]
        return consequences.of_purging(session, model, {r.id: r.deleted_with or trash.mark_of(r) for r in records})
    return consequences.of_deleting(session, model, keys)


def _heading(view: EntityView, verb: str, what: str) -> str:
    if verb == "purge" or not view.has_trash:
        return gettext("Delete for good: %(what)s", what=what)
    return gettext("Move to the trash: %(what)s", what=what)


def _row(model: type[Any], name: str, number: int) -> dict[str, str]:
    """Those of the same kind are called what they are to the one that goes."""
    child = REGISTRY[name]
    label = related_panels.below(model) if child is model else gettext(titles_of(child))
    return {"icon": entity_of(child).icon, "label": label, "count": formats.number(number)}


def _hand_over(request: Request, view: EntityView, keys: Sequence[int]) -> str:
    """Before a user goes, what is theirs can be given to somebody else."""
    operation = operations_of(view.model).get("hand_over")
    if operation is None or len(keys) != 1 or not actor_of(request).may(permission(view.model, "hand_over")):
        return ""
    return paths.to(view.identity, "do", keys[0], "hand_over")
