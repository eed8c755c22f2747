"""What SQLAdmin would do by itself, were one of its methods called, and what it asks of models and pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Integer, inspect, text
from starlette.exceptions import HTTPException
from starlette.routing import Router

from crm.actor import Actor, Scope
from crm.admin.panel import Panel
from crm.admin.views import EntityView, make_view
from crm.admin.visitor import current_actor
from crm.db import Database
from crm.entity import entity_of, name_of
from crm.fields import fields_of, models
from crm.models import Contact
from tests import factories
from tests.admin.conftest import Visitor, panel_of, request_of
from tests.admin.test_lists import people, statements
from tests.admin.test_rights import ROWS, three_rows

__all__ = ["people"]
EVERYTHING = Actor(1, "x", everything=True)


def _contacts(panel: Panel) -> EntityView:
    return next(view for view in panel.entity_views if view.model is Contact)


def test_what_it_reads_is_what_the_actor_may_see(visitor: Callable[..., Visitor], as_system: Any, client: Any) -> None:
    agent = visitor(view_contacts=Scope.OWN)
    rows, panel = three_rows(as_system, agent), panel_of(client)
    view = _contacts(panel)

    async def seen(actor: Actor | None) -> set[str]:
        mark = current_actor.set(actor)
        try:
            requests = {name: request_of(panel, actor, pk=str(rows[name])) for name in ROWS}
            found = {name: await view.get_object_for_details(request) for name, request in requests.items()}
        finally:
            current_actor.reset(mark)
        return {name for name, record in found.items() if record is not None}

    assert client.portal.call(seen, Actor(agent.user_id, "x", {"view_contacts": Scope.OWN})) == {"mine"}
    assert client.portal.call(seen, Actor(agent.user_id, "x", {})) == set()
    with pytest.raises(RuntimeError, match="signed-in actor"):
        client.portal.call(seen, None)


async def test_its_checks_let_no_missing_record_pass(client: Any) -> None:
    panel = panel_of(client)
    view, request = _contacts(panel), request_of(panel, EVERYTHING)
    for check in (view.check_can_view_details, view.check_can_edit, view.check_can_delete):
        assert await check(request, None) is False
        assert await check(request, Contact()) is True


async def test_no_column_is_ever_served_as_a_file(admin: Visitor, client: Any, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session, name="pyproject.toml").id
    for way in ("download", "preview"):
        assert admin.get(f"/contact/{key}/name/{way}/").status_code == 404
    with pytest.raises(HTTPException) as refused:
        await _contacts(panel_of(client)).get_object_filepath(str(key), "name")
    assert refused.value.status_code == 404


@pytest.mark.parametrize("model", models(), ids=name_of)
def test_a_generated_view_exposes_nothing_by_default(model: type[Any]) -> None:
    """SQLAdmin takes an empty list for "every column and relation", and imports whatever a form may hold."""
    view, entity = make_view(model)(), entity_of(model)
    assert view.can_import is False
    assert set(view.get_form_columns()) == (set(entity.form) or {"id"})
    shown = {*view.get_list_columns(), *view.get_details_columns(), *view.get_export_columns()}
    assert shown <= fields_of(model).keys()
    assert not shown & {*entity.secret, "search_text"}


def test_its_count_is_ours(client: Any, people: Any) -> None:
    panel = panel_of(client)
    with statements() as seen:
        assert client.portal.call(_contacts(panel).count, request_of(panel, EVERYTHING)) == 5
    (count,) = [s for s in seen if "count(*)" in s]
    assert "contact.email" not in count
    assert "LIMIT" in count


def test_what_cannot_be_audited_is_not_saved(admin: Visitor, as_system: Any, database: Database) -> None:
    with as_system() as session:
        key = factories.make(Contact, session, job_title="Old").id
    form = admin.form(f"/contact/edit/{key}") | {"job_title": "New"}
    with _without_audit(database):
        for path, sent in ((f"/contact/edit/{key}", form), ("/contact/create", {"name": "Unaudited"})):
            answer = admin.post(path, sent)
            assert (answer.status_code, "audit_entry" in answer.text) == (500, False)
    with as_system() as session:
        assert [(c.id, c.job_title) for c in session.query(Contact)] == [(key, "Old")]


@contextmanager
def _without_audit(database: Database) -> Iterator[None]:
    """Its table is out of reach meanwhile."""
    turn = "ALTER TABLE {} RENAME TO {}"
    with database.engine().begin() as connection:
        connection.execute(text(turn.format("audit_entry", "put_away")))
    try:
        yield
    finally:
        with database.engine().begin() as connection:
            connection.execute(text(turn.format("put_away", "audit_entry")))


@pytest.mark.parametrize("model", models(), ids=name_of)
def test_keys_are_single_numbers_and_attributes_are_called_like_their_columns(model: type[Any]) -> None:
    """SQLAdmin reads a foreign key by the name of its column, and splits the keys it deletes at commas."""
    mapper = inspect(model)
    assert [(key.name, isinstance(key.type, Integer)) for key in mapper.primary_key] == [("id", True)]
    assert {a.key: a.columns[0].name for a in mapper.column_attrs if a.key != a.columns[0].name} == {}


LOADED = re.compile(r"""<(?:script|link|img|iframe|source|object|embed)\b[^>]*?\b(?:src|href|data)="([^"]*)\"""")


@pytest.mark.parametrize("path", ["/", "/contact/list", "/contact/create", "/contact/details/1", "/inbox", "/search"])
def test_nothing_a_page_loads_comes_from_elsewhere(admin: Visitor, as_system: Any, path: str) -> None:
    with as_system() as session:
        factories.make(Contact, session)
    found = LOADED.findall(admin.get(path).text)
    assert [address for address in found if not address.startswith(("/admin/", "data:"))] == []
    assert len(found) > 5
    for sheet in {address for address in found if ".css" in address}:
        assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", admin.client.get(sheet).text), sheet


def test_no_row_asks_the_router_for_its_addresses(admin: Visitor, people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Router, "url_path_for", lambda _router, name, /, **_path: asked.append(name))
    admin.page("/contact/list")
    assert asked == []
