"""The twenty lines of docs/add-an-entity.md, run as they stand there: what follows from them, no other file touched."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope, system
from crm.db import Database
from crm.entity import Entity, permission
from crm.entity_check import check_entities, problems_of
from crm.models import Permission, Role, User
from crm.services import sessions
from crm.settings import Settings
from seeds import initial
from tests.admin.conftest import Visitor
from tests.admin.test_lists import names
from tests.clients import World
from tests.conftest import BACKENDS
from tests.contract import declared, test_lists, test_resources
from tests.factories import make, user

DOCUMENT = Path(__file__).parents[2] / "docs" / "add-an-entity.md"
LISTING = re.compile(r"```python\n(# crm/models/competitor\.py\n.*?)```", re.S)
#: every test of the contract that is held against each entity
CONTRACT = {
    name: test
    for module in (test_resources, test_lists)
    for name, test in vars(module).items()
    if name.startswith("test_") and "model" in inspect.signature(test).parameters
}


def listing() -> str:
    """The code of the document."""
    found = LISTING.search(DOCUMENT.read_text())
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def competitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Any]]:
    """The document's entity, as if its file lay beside the others."""
    file = tmp_path_factory.mktemp("crm") / "competitor.py"
    file.write_text(listing())
    spec = importlib.util.spec_from_file_location("crm.models.competitor", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.Competitor
    declared.forget(module.Competitor)
    del sys.modules[spec.name]


@pytest.fixture(scope="module", params=BACKENDS)
def world(
    request: pytest.FixtureRequest,
    competitor: type[Any],
    new_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    with declared.world_with(competitor, request.param, new_database, tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture
def visit(world: World) -> Callable[..., Visitor]:
    """`visit(view_competitors=Scope.OWN)` signs in at the panel; `visit(admin=True)` may do everything."""

    def sign_in(*, admin: bool = False, **grants: Scope) -> Visitor:
        with world.session() as session:
            who = user(session, grants, admin=admin)
            return Visitor(world.client, sessions.open_session(session, who), who.id)

    return sign_in


def test_it_is_twenty_lines_and_sound(competitor: type[Any]) -> None:
    [declaration] = [node for node in ast.parse(listing()).body if isinstance(node, ast.ClassDef)]
    lines = (ast.get_source_segment(listing(), declaration) or "").splitlines()
    assert len([line for line in lines if line.strip()]) <= 20
    assert problems_of(competitor) == []
    check_entities()


def test_the_document_explains_every_part_of_a_declaration() -> None:
    told = DOCUMENT.read_text()
    assert [name for name in Entity.__dataclass_fields__ if f"`{name}`" not in told] == []


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_holds_for_it(
    name: str, world: World, competitor: type[Any], request: pytest.FixtureRequest
) -> None:
    asked = inspect.signature(CONTRACT[name]).parameters
    given = {one: competitor if one == "model" else request.getfixturevalue(one) for one in asked}
    CONTRACT[name](**given)


def test_it_goes_to_the_trash_and_comes_back(world: World, competitor: type[Any], admin: Any) -> None:
    key = admin.post("/competitors", {"name": "Egret"}).json()["data"]["id"]
    assert admin.data(f"/competitors/{key}/dependents") is not None
    admin.delete(f"/competitors/{key}")
    assert admin.post(f"/competitors/{key}/restore").json()["data"] == {"id": key, "along": 0}
    assert admin.data(f"/competitors/{key}")["name"] == "Egret"


def test_its_permissions_are_there_and_granted_from_the_first_start_on(
    database: Database, settings: Settings, competitor: type[Any]
) -> None:
    wanted = {str(permission(competitor, verb)) for verb in ("view", "create", "update", "delete", "export", "purge")}
    assert wanted >= {"view_competitors", "create_competitor", "export_competitors"}
    initial.load(database, settings)
    with database.read_only(system("test")) as session:
        assert wanted <= set(session.scalars(select(Permission.name)))
        sales = session.scalars(select(Role).where(Role.name == "sales")).one()
        given = {grant.permission.name: grant.scope for grant in sales.grants}
        assert given["view_competitors"] is given["update_competitor"] is Scope.OWN


def test_it_stands_in_the_document_with_the_sentences_of_its_columns(anybody: Any) -> None:
    made = anybody.get("/openapi.json").json()
    paths = {path for path in made["paths"] if "competitors" in path}
    assert paths >= {f"/api/competitors{rest}" for rest in ("", "/bulk", "/{id}", "/{id}/restore")}
    assert set(made["paths"]["/api/competitors/{id}"]) >= {"get", "put", "delete"}
    told = made["components"]["schemas"]["Competitor"]["properties"]
    assert told["website"]["description"] == "Address of its web site."


def test_the_panel_lists_edits_searches_filters_exports_and_remembers_it(visit: Callable[..., Visitor]) -> None:
    admin, here = visit(admin=True), "/competitor"
    assert "/admin/competitor/list" in admin.page("/")
    made = admin.post(f"{here}/create", {"name": "鹭鸶 Heron", "website": "https://heron.example"})
    assert made.status_code == 303, made.text[-2000:]
    key = made.headers["location"].rpartition("/")[2]
    assert admin.post(f"{here}/create", {"name": ""}).status_code == 400
    form = admin.form(f"{here}/edit/{key}")
    assert set(form) >= {"name", "website", "owner_id"}
    assert admin.post(f"{here}/edit/{key}", {**form, "website": "https://heron.test"}).status_code == 303
    details = admin.page(f"{here}/details/{key}")
    assert "<del>https://heron.example</del>" in details
    assert "<ins>https://heron.test</ins>" in details
    found = ("search=鹭鸶", "name__contains=heron", f"owner_id={admin.user_id}", "created_at__gte=2020-01-01")
    for query in (*found, "search=heron&sortBy=name&sort=desc"):
        assert "鹭鸶 Heron" in names(admin, f"{here}/list?{query}"), query
        assert "鹭鸶 Heron,https://heron.test" in admin.get(f"{here}/export/csv?{query}").text, query
    for query in ("search=nobody", "name__contains=nobody", "created_at__lte=2020-01-01"):
        assert names(admin, f"{here}/list?{query}") == []
        assert "Heron" not in admin.get(f"{here}/export/csv?{query}").text
    admin.post(f"{here}/bulk/delete", {"ids": [key]})
    assert names(admin, f"{here}/list?search=heron") == []
    assert names(admin, f"{here}/list?trash=1&search=heron") == ["鹭鸶 Heron"]
    admin.post(f"{here}/restore/{key}")
    assert names(admin, f"{here}/list?search=heron") == ["鹭鸶 Heron"]


def test_the_panel_keeps_to_its_scope(world: World, competitor: type[Any], visit: Callable[..., Visitor]) -> None:
    agent = visit(view_competitors=Scope.OWN, update_competitor=Scope.OWN, export_competitors=Scope.OWN)
    with world.session() as session:
        mine = make(competitor, session, name="Mine", owner_id=agent.user_id).id
        theirs = make(competitor, session, name="Theirs", owner_id=session.scalars(select(User.id)).first()).id
    assert names(agent, "/competitor/list") == ["Mine"]
    assert "Theirs" not in agent.get("/competitor/export/csv").text
    for address in ("details", "edit"):
        assert agent.get(f"/competitor/{address}/{mine}").status_code == 200
        assert agent.get(f"/competitor/{address}/{theirs}").status_code == 404
    assert agent.post(f"/competitor/delete/{mine}").status_code == 403
    assert visit(view_contacts=Scope.ALL).get("/competitor/list").status_code == 403
