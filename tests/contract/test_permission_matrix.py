"""Every entity × role × operation × own, team, foreign row × API and panel, against a naive second opinion.

Generated from the registry and the table of routes: a new entity, verb or route joins by being declared.  Each role is
played on one of the databases, and `team` on both (SAMPLED).
"""

from __future__ import annotations

from typing import Any

import pytest

from crm.admin.paths import identity
from crm.api.resources import address
from crm.entity import entity_of, name_of, operations_of, permission
from tests.contract.cells import FORM, Cell, body_of, of_api, of_panel
from tests.contract.matrix import Sight, only, roles, verbs_of
from tests.contract.population import MODELS, NEAR, SHARED, Row
from tests.contract.stage import TURNED_AWAY, Deviations, Stage, each_role, on_one_database

each_model = pytest.mark.parametrize("model", MODELS, ids=name_of)


def _rows(stage: Stage, model: type[Any], cell: Cell) -> list[Row]:
    return stage.trashed(model) if cell.trashed else stage.lasting(model)


def _json(model: type[Any], cell: Cell, *, change: bool) -> dict[str, Any]:
    return {} if cell.method in ("GET", "DELETE") else {"json": body_of(model, cell, change=change)}


def _target(stage: Stage, cell: Cell, row: Row, expected: int) -> Row | None:
    """The row to ask about: a spare one for what uses it up, none for what is left out."""
    if expected != 200 or not cell.uses:
        return row
    return None if cell.uses == "no" or cell.is_kept_from(row) else stage.spare(row, trashed=cell.trashed)


@each_model
@each_role
def test_a_record_at_the_api(model: type[Any], role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    found = Deviations(stage, sight)
    for cell in of_api(model):
        for row in _rows(stage, model, cell):
            expected = sight.answer(row, cell.name, cell.verb)
            target = _target(stage, cell, row, expected)
            if target is not None:
                sent = _json(model, cell, change=expected != 200)
                found.ask(stage.api, cell.method, cell.path.format(id=target.id), expected, target, **sent)
    assert found == []


@each_model
@each_role
def test_a_record_in_the_panel(model: type[Any], role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    found, sees = Deviations(stage, sight), sight.may(permission(model, "view"))
    for cell in of_panel(model):
        for row in _rows(stage, model, cell):
            expected = sight.answer(row, cell.name, cell.verb) if sees else 403
            target = _target(stage, cell, row, expected)
            if target is not None:
                form = {} if cell.method == "GET" else {"data": {"csrf_token": stage.panel.token, **FORM}}
                found.ask(stage.panel, cell.method, cell.path.format(id=target.id), expected, target, **form)
    assert found == []


@pytest.mark.parametrize("model", [m for m in MODELS if entity_of(m).api and entity_of(m).verbs], ids=name_of)
@each_role
def test_many_records_at_the_api(model: type[Any], role: str, stage: Stage) -> None:
    verbs = entity_of(model).verbs
    sight = stage.become(role, roles()[role])
    found, path = Deviations(stage, sight), f"{address(model)}/bulk"
    for row in stage.lasting(model):
        for verb in [verb for verb in ("update", "delete") if verb in verbs]:
            expected = sight.answer(row, permission(model, verb), verb)
            changed = stage.spare(row) if expected == 200 and verb == "delete" else row
            sent = {"update": [{"id": changed.id}], "delete": [changed.id]}[verb]
            if expected != 200 and sight.may(permission(model, verb)):
                expected = 400  # names the row that is not there, or not theirs to change
            found.ask(stage.api, "POST", path, expected, changed, json={verb: sent})
    if "create" in verbs and not sight.may(permission(model, "create")):
        found.ask(stage.api, "POST", path, 403, None, json={"create": [{"name": "x"}]})
    assert found == []


@each_model
@each_role
def test_many_records_in_the_panel(model: type[Any], role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    found, here, verbs = Deviations(stage, sight), f"/{identity(model)}/bulk", entity_of(model).verbs
    for verb, asked, rows in (
        ("delete", "delete", stage.lasting(model)),
        ("restore", "delete", stage.trashed(model)),
        ("purge", "purge", stage.trashed(model)),
    ):
        if "delete" not in verbs:
            found.post(f"{here}/{verb}", 403, None, ids="1")
            continue
        for row in rows:
            expected = _of_many(sight, row, asked)
            gone = Cell("POST", here, None, asked, "up", trashed=verb != "delete")
            target = _target(stage, gone, row, expected)
            if verb != "restore":
                found.post(
                    f"{here}/{verb}/ask",
                    200 if expected == 403 and _may(sight, row, asked) else expected,
                    row,
                    ids=row.id,
                )
            if target is not None:
                found.post(f"{here}/{verb}", expected, target, ids=target.id)
    assert found == []


def _may(sight: Sight, row: Row, verb: str) -> bool:
    """To some records of the kind, at least."""
    return sight.may(permission(row.model, "view")) and sight.may(permission(row.model, verb))


def _of_many(sight: Sight, row: Row, verb: str) -> int:
    """What is not seen is said to be gone, and nothing is done."""
    expected = sight.answer(row, permission(row.model, verb), verb) if _may(sight, row, verb) else 403
    return TURNED_AWAY if expected == 404 else expected


@each_model
@on_one_database
def test_each_verb_asks_for_its_own_permission(model: type[Any], stage: Stage) -> None:
    """Whoever sees everything and has one verb of an entity has no other."""
    row = next(row for row in stage.lasting(model) if row.whose in (SHARED, NEAR[-1]))
    for verb in verbs_of(model):
        sight = stage.become(f"only {verb} {name_of(model)}", only(model, verb))
        found = Deviations(stage, sight)
        for cell in of_api(model):
            if not sight.may(cell.name):
                sent = _json(model, cell, change=True)
                found.ask(stage.api, cell.method, cell.path.format(id=row.id), 403, row, **sent)
        pages = [("GET", "export/csv", "export"), ("POST", f"delete/{row.id}", "delete")]
        pages += [("GET", f"edit/{row.id}", "update"), ("GET", "create", "create")]
        pages += [("POST", f"do/{row.id}/{one}", one) for one in operations_of(model)]
        for http, path, asked in pages:
            if not sight.may(permission(model, asked)):
                data = {"data": {"csrf_token": stage.panel.token}} if http == "POST" else {}
                found.ask(stage.panel, http, f"/{identity(model)}/{path}", 403, row, **data)
        assert found == []
