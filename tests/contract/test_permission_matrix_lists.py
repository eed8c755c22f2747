"""Lists, exports, look-ups and search show every role exactly the rows it may see, as a naive second opinion has it."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from crm import access
from crm.admin.paths import identity
from crm.api.resources import address
from crm.entity import entity_of, name_of, permission
from crm.fields import related, writable
from crm.models import Attachment, User
from crm.services.search import KINDS
from tests.contract.matrix import roles
from tests.contract.population import MODELS
from tests.contract.stage import Stage, each_role

each_model = pytest.mark.parametrize("model", MODELS, ids=name_of)


@each_model
@each_role
def test_lists_and_exports(model: type[Any], role: str, stage: Stage) -> None:
    sight, here = stage.become(role, roles()[role]), f"/{identity(model)}"
    seen = [row for row in stage.whole(model) if sight.touches(row, "view")]
    sees, open_read = sight.may(permission(model, "view")), permission(model, "view") is None
    listed = stage.api.get(f"{address(model)}?{'limit' if model is User else 'pageSize'}=1")
    assert (listed.status_code == 200) == sees, f"API list: {listed.status_code}"
    page, export = stage.panel.get(f"{here}/list"), stage.panel.get(f"{here}/export/csv")
    assert page.status_code == (200 if sees else 403), "panel list"
    exports = sees and sight.may(permission(model, "export"))
    assert export.status_code == (200 if exports else 403), "export"
    if sees:
        data = listed.json().get("data")
        total = listed.json()["total"] if model is User else data.get("pagination", data).get("total")
        assert total == len(seen), "API list"
        assert _counted(page.text) == len(seen), "panel list"
        assert list(stage.hidden_links(page.text, sight)) == []
        found = _ids(stage, model)
        assert found is None or found == sorted(row.id for row in seen)[:200], "API list"
    if exports:
        expected = [row for row in seen if open_read or sight.touches(row, "export")]
        assert len(list(csv.reader(io.StringIO(export.text)))) - 1 == len(expected), "export"


@pytest.mark.parametrize("model", [model for model in MODELS if hasattr(model, "deleted_at")], ids=name_of)
@each_role
def test_the_trash(model: type[Any], role: str, stage: Stage) -> None:
    """Shown to those who could restore or purge something, with what of it they see."""
    sight = stage.become(role, roles()[role])
    verbs = ["purge", *(["delete"] if "delete" in entity_of(model).verbs else [])]
    shown = sight.may(permission(model, "view")) and any(sight.may(permission(model, verb)) for verb in verbs)
    page = stage.panel.get(f"/{identity(model)}/list?trash=1")
    assert page.status_code == (200 if shown else 403)
    if shown:
        thrown = {row.id for row in stage.whole(model, trash=True)} - {row.id for row in stage.whole(model)}
        seen = [r for r in stage.whole(model, trash=True) if r.id in thrown and sight.touches(r, "view")]
        assert _counted(page.text) == len(seen)


def _counted(page: str) -> int:
    found = re.search(r"\d+[–-]\d+ of ([\d,]+)", page)
    return int(found[1].replace(",", "")) if found else 0


def _ids(stage: Stage, model: type[Any]) -> list[int] | None:
    if not entity_of(model).api or "id" not in entity_of(model).sort:
        return None
    return [row["id"] for row in stage.api.data(f"{address(model)}?fields=id&pageSize=200&sort=id")["list"]]


@each_model
@each_role
def test_what_a_look_up_offers(model: type[Any], role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    for field in [field for field in writable(model) if field.relation]:
        target = related(model, field)
        answer = stage.panel.get(f"/{identity(model)}/ajax/lookup?name={field.name}")
        may = sight.may(permission(model, "view")) and sight.may(permission(target, "view"))
        assert answer.status_code == (200 if may else 403), field.name
        if may:
            known = {row.id for row in stage.whole(target) if sight.touches(row, "view")}
            offered = {int(one["id"]) for one in answer.json()["results"]}
            assert offered <= known, field.name
            assert len(offered) == min(len(known), 20), field.name


@each_role
def test_what_a_link_may_lead_to(role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    for model in access.linkable(Attachment):
        answer = stage.panel.get(f"/links/lookup?kind={name_of(model)}")
        assert answer.status_code == (200 if sight.may(permission(model, "view")) else 403), name_of(model)
        if answer.status_code == 200:
            known = {row.id for row in stage.whole(model) if sight.touches(row, "view")}
            assert {int(one["id"]) for one in answer.json()["results"]} <= known, name_of(model)
    for path in ("/links/lookup?term=示例", "/links/lookup"):
        assert list(stage.hidden_links(_as_links(stage.panel.get(path)), sight)) == []


def _as_links(answer: Any) -> str:
    """Addresses in JSON, as a page would have them."""
    return str(answer.text).replace('"/admin', 'href="/admin')


@each_role
def test_what_search_finds(role: str, stage: Stage) -> None:
    sight, found = stage.become(role, roles()[role]), 0
    by_name = {name_of(model): model for model in MODELS}
    by_name["file"] = by_name["attachment"]
    for kind in KINDS:
        known = {row.id for row in stage.whole(by_name[kind]) if sight.touches(row, "view")}
        answer = stage.api.get(f"/search?q=示例&types={kind}&limit=20").json()["data"]["list"]
        if not sight.may(permission(by_name[kind], "view")):
            assert answer == [], kind
        assert {one["id"] for one in answer} <= known, kind
        found += len(answer)
    page = stage.panel.get("/search?q=示例")
    assert page.status_code == 200
    assert list(stage.hidden_links(page.text + _as_links(stage.panel.get("/search/suggest?q=示例")), sight)) == []
    assert found or not any(sight.may(permission(by_name[kind], "view")) for kind in KINDS)
