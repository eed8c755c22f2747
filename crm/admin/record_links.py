"""The link to any record in a form: its kind to choose, and the record to find by its name or number.

Scripts make a look-up of the number's input; without them it takes the number itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from wtforms import SelectField, StringField
from wtforms.form import BaseForm

from crm import access
from crm.admin import inputs, labels, lists, pages, paths
from crm.admin.filters import clean
from crm.admin.forms import LINK
from crm.admin.urls import whole
from crm.admin.visitor import actor_of
from crm.db import actor_of as session_actor
from crm.entity import REGISTRY, name_of, permission, title_of, titles_of
from crm.errors import Forbidden
from crm.i18n import gettext, lazy
from crm.models.attachment import Attachment
from crm.services.search import KINDS, search

KIND, NUMBER = LINK
#: of each kind, while none is chosen: what was found, and what was changed last where nothing is typed
FEW = 5
_RECENT = ("customer", "contact", "opportunity")


def kinds(session: Session) -> list[type[Any]]:
    """What people link to, as far as the actor may view it, the most wanted first."""
    actor, order = session_actor(session), list(KINDS)
    found = [model for model in access.linkable(Attachment) if actor.may(permission(model, "view"))]
    return sorted(found, key=lambda m: order.index(name_of(m)) if name_of(m) in order else len(order))


class RecordKind(SelectField):
    """The kinds the reader may link to, and the one that is held, whatever it is."""

    def __call__(self, **attributes: Any) -> Any:
        attributes["class_"] = str(attributes.get("class_", "")).replace("form-control", "form-select")
        return super().__call__(**attributes)

    def name_choices(self, session: Session, _form: BaseForm) -> None:
        known = {name_of(model): gettext(title_of(model)) for model in kinds(session)}
        held = str(self.data or "")
        if held and held not in known:
            known[held] = gettext(title_of(REGISTRY[held])) if held in REGISTRY else held
        self.choices = [("", "–"), *known.items()]

    @property
    def told(self) -> str:
        """What is held, as people read it."""
        held: Sequence[Any] = list(self.choices or ())
        return next((str(text) for value, text in held if value == self.data), "")


class RecordNumber(StringField):
    """The number of the record, with its name as a link."""

    told = url = ""

    def name_choices(self, session: Session, form: BaseForm) -> None:
        """The name of what is held; what may not be seen is kept by its number, without a name."""
        model, key = REGISTRY.get(str(form[KIND].data or "")), whole(str(self.data or "").strip())
        self.told, self.url = str(self.data or ""), ""
        if model is None or key is None:
            return
        may = session_actor(session).may(permission(model, "view"))
        label = labels.resolve(session, model, [key])[key] if may else labels.hidden()
        self.told = label.text
        if label.state == "live":
            self.url = paths.details_of(model, key)

    def __call__(self, **attributes: Any) -> Markup:
        typed = super().__call__(inputmode="numeric", autocomplete="off", **attributes)
        opening = Markup('<div class="record-link" data-record-link data-kind="{}" data-url="{}" data-told="{}">')
        return opening.format(KIND, paths.to("links", "lookup"), self.told) + typed + self._open() + Markup("</div>")

    def _open(self) -> Markup:
        link = Markup('<a class="hint" href="{}" target="_blank" rel="noopener"{}><span>{}</span>{}</a>')
        arrow = Markup('<i class="ti ti-external-link" aria-hidden="true"></i>')
        return link.format(self.url, Markup("" if self.url else " hidden"), self.told, arrow)


def _kind(*, name: str, label: Any, **_rest: Any) -> Any:
    return RecordKind(label, name=name, choices=[], validate_choice=False)


def _number(*, name: str, **_rest: Any) -> Any:
    return RecordNumber(lazy("Record"), name=name, description=lazy("By its name or number."))


inputs.OWN |= {KIND: _kind, NUMBER: _number}


def form_of(session: Session, kind: str, number: str) -> BaseForm:
    """The two inputs alone, for a form that is no entity's."""
    form = BaseForm([(KIND, _kind(name=KIND, label=lazy("Record type"))), (NUMBER, _number(name=NUMBER))])
    form.process(data={KIND: kind, NUMBER: number})
    entries: list[Any] = list(form)
    for entry in entries:
        entry.name_choices(session, form)
    return form


# ---------------------------------------------------------------------------------------------- what is found


async def look_up(request: Request) -> Response:
    """`?kind=customer&term=…` → {"results": [{id, text, url}]}; without a kind, groups {text, children} of several."""
    kind, term = request.query_params.get("kind", ""), clean(request.query_params.get("term", ""))[:200].strip()
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        found = await session.run_sync(_of_kind if kind else _of_all, kind, term)
    return JSONResponse({"results": found})


def _of_kind(session: Session, kind: str, term: str) -> list[dict[str, Any]]:
    model = next((model for model in kinds(session) if name_of(model) == kind), None)
    if model is None:
        raise Forbidden("Forbidden")
    numbered = _numbered(session, model, term)
    named = [row for row in lists.matching(session, model, term) if row["id"] not in {n["id"] for n in numbered}]
    return [_row(model, int(one["id"]), one["text"]) for one in (*numbered, *named)]


def _numbered(session: Session, model: type[Any], term: str) -> list[dict[str, str]]:
    """The one with the number that was typed."""
    key = whole(term)
    if key is None:
        return []
    found = session.execute(select(model.id, labels.shown_name(model)).where(model.id == key))
    return [{"id": str(number), "text": str(text)} for number, text in found]


def _of_all(session: Session, _kind: str, term: str) -> list[dict[str, Any]]:
    """Each row says its kind, too."""
    groups = _found(session, term) if term else _recent(session)
    return [
        {"text": gettext(titles_of(model)), "children": [_row(model, key, text, spoken=True) for key, text in rows]}
        for model, rows in groups
        if rows
    ]


def _found(session: Session, term: str) -> Iterator[tuple[type[Any], list[tuple[int, str]]]]:
    known = [name_of(model) for model in kinds(session) if name_of(model) in KINDS]
    hits = search(session, term, kinds=known, limit=FEW)
    for kind in dict.fromkeys(hit.kind for hit in hits):
        yield REGISTRY[kind], [(hit.id, hit.title) for hit in hits if hit.kind == kind]


def _recent(session: Session) -> Iterator[tuple[type[Any], list[tuple[int, str]]]]:
    for model in kinds(session):
        if name_of(model) in _RECENT:
            wanted = select(model.id, labels.shown_name(model)).order_by(model.updated_at.desc(), model.id.desc())
            yield model, [(key, str(text)) for key, text in session.execute(wanted.limit(FEW))]


def _row(model: type[Any], key: int, text: str, *, spoken: bool = False) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(key), "text": text, "url": paths.details_of(model, key)}
    return {**told, "id": f"{name_of(model)}:{key}", "number": str(key), "kind": name_of(model)} if spoken else told
