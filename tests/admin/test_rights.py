"""Who may do what on which row: the matrix of permissions and scopes, at every address of the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.requests import Request

from crm.actor import Actor, Scope
from crm.admin.site import Panel
from crm.admin.views import EntityView, make_view
from crm.admin.visitor import Visitor as Seen
from crm.admin.visitor import current_actor
from crm.entity import entity_of, name_of
from crm.fields import fields_of, models
from crm.models import Contact, Team, User
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.test_lists import names

Make = Callable[..., Visitor]
ROWS = ("mine", "team", "other")
#: scope → the rows it reaches
REACH = {Scope.OWN: {"mine"}, Scope.TEAM: {"mine", "team"}, Scope.ALL: set(ROWS)}


def _rows(as_system: Any, agent: Visitor) -> dict[str, int]:
    """One contact of the agent's, one of a colleague in their team, one of somebody else."""
    with as_system() as session:
        team = factories.make(Team, session)
        colleague, other = factories.user(session, team=team), factories.user(session)
        records.update(session, session.get(User, agent.user_id), {"teams": [team.id]})
        owners = {"mine": agent.user_id, "team": colleague.id, "other": other.id}
        teams = {"team": team.id}
        return {
            name: factories.make(Contact, session, name=name, owner_id=owner, team_id=teams.get(name)).id
            for name, owner in owners.items()
        }


@pytest.mark.parametrize("view", list(Scope))
@pytest.mark.parametrize("write", [None, *Scope])
def test_every_address_reaches_exactly_the_rows_of_its_scope(
    visitor: Make, as_system: Any, view: Scope, write: Scope | None
) -> None:
    grants = {"view_contacts": view}
    if write:
        grants |= {"update_contact": write, "delete_contact": write, "export_contacts": write}
    agent = visitor(**grants)
    rows = _rows(as_system, agent)
    seen, written = REACH[view], REACH[write] & REACH[view] if write else set()
    assert set(names(agent, "/contact/list")) == seen
    exported = agent.get("/contact/export/csv")
    assert exported.status_code == (200 if write else 403)
    assert not write or {name for name in ROWS if f"\n{name}," in exported.text} == written
    for name, key in rows.items():
        assert agent.get(f"/contact/details/{key}").status_code == (200 if name in seen else 404)
        may_not = 403 if name in seen or not write else 404
        assert agent.get(f"/contact/edit/{key}").status_code == (200 if name in written else may_not), name
        gone = agent.post(f"/contact/delete/{key}")
        assert gone.status_code == (303 if name in written else may_not), name
    with as_system() as session:
        assert {contact.name for contact in session.query(Contact)} == set(ROWS) - written


def test_without_the_view_permission_nothing_opens_not_even_to_those_who_may_write(
    visitor: Make, as_system: Any
) -> None:
    with as_system() as session:
        key = factories.make(Contact, session).id
    writer = visitor(update_contact=Scope.ALL, delete_contact=Scope.ALL, create_contact=Scope.ALL)
    for path in ("list", "create", f"details/{key}", f"edit/{key}", "export/csv", "ajax/lookup?name=customer_id"):
        assert writer.get(f"/contact/{path}").status_code == 403, path
    assert writer.post(f"/contact/delete/{key}").status_code == 403


def test_a_page_offers_only_what_its_reader_may_do(visitor: Make, admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session).id
    page = visitor(view_contacts=Scope.ALL).page(f"/contact/details/{key}")
    for address in (f"/contact/edit/{key}", f"/contact/delete/{key}"):
        assert address not in page
        assert address in admin.page(f"/contact/details/{key}")
    assert "/contact/create" not in visitor(view_contacts=Scope.ALL).page("/contact/list")


def _request(panel: Panel, actor: Actor | None, **path: str) -> Request:
    scope = {"type": "http", "state": {"visitor": Seen(actor, "", "")}, "app": panel.admin, "headers": []}
    return Request(scope | {"query_string": b"", "path_params": path, "method": "GET", "path": "/"})


def _panel(client: Any) -> Panel:
    found: Panel = next(route.app.state.panel for route in client.app.routes if getattr(route, "name", "") == "admin")
    return found


def _contacts(panel: Panel) -> EntityView:
    return next(view for view in panel.entity_views if view.model is Contact)


def test_what_sqladmin_reads_by_itself_is_what_the_actor_may_see(visitor: Make, as_system: Any, client: Any) -> None:
    agent = visitor(view_contacts=Scope.OWN)
    rows, panel = _rows(as_system, agent), _panel(client)
    view = _contacts(panel)

    async def seen(actor: Actor | None) -> set[str]:
        mark = current_actor.set(actor)
        try:
            found = {
                name: await view.get_object_for_details(_request(panel, actor, pk=str(rows[name]))) for name in ROWS
            }
        finally:
            current_actor.reset(mark)
        return {name for name, record in found.items() if record is not None}

    assert client.portal.call(seen, Actor(agent.user_id, "x", {"view_contacts": Scope.OWN})) == {"mine"}
    assert client.portal.call(seen, Actor(agent.user_id, "x", {})) == set()
    with pytest.raises(RuntimeError, match="signed-in actor"):
        client.portal.call(seen, None)


async def test_sqladmins_own_checks_let_no_missing_record_pass(client: Any) -> None:
    panel = _panel(client)
    view = _contacts(panel)
    request = _request(panel, Actor(1, "x", everything=True))
    for check in (view.check_can_view_details, view.check_can_edit, view.check_can_delete):
        assert await check(request, None) is False
        assert await check(request, Contact()) is True


async def test_no_column_is_ever_served_as_a_file(admin: Visitor, client: Any, as_system: Any) -> None:
    from starlette.exceptions import HTTPException

    with as_system() as session:
        key = factories.make(Contact, session, name="pyproject.toml").id
    for way in ("download", "preview"):
        assert admin.get(f"/contact/{key}/name/{way}/").status_code == 404
    view = _contacts(_panel(client))
    with pytest.raises(HTTPException) as refused:
        await view.get_object_filepath(str(key), "name")
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
