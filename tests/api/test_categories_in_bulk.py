"""Categories in bulk: the rules of the tree hold for many as for one."""

from __future__ import annotations

from crm.db import Database
from tests.api.category_samples import new_category, new_type, paths
from tests.clients import Caller


def test_many_at_once_all_or_none(keeper: Caller, reader: Caller, database: Database) -> None:
    kind = new_type(keeper)
    asia, europe = new_category(keeper, kind, "asia"), new_category(keeper, kind, "europe")
    rows = [{"name": name, "code": name.lower(), "typeId": kind, "parentId": asia} for name in ("China", "Japan")]
    made = keeper.post("/categories/bulk", {"create": rows}).json()["data"]["created"]
    china, japan = (row["id"] for row in made)
    circle = {"update": [{"id": asia, "parentId": europe}, {"id": europe, "parentId": china}], "delete": [japan]}
    refused = keeper.post("/categories/bulk", circle)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["update[1].parentId"]
    assert [node["id"] for node in reader.data(f"/categories/tree?typeId={kind}")] == [asia, europe]
    moved = keeper.post("/categories/bulk", {"update": circle["update"][:1], "delete": [japan]})
    assert (moved.json()["data"]["updated"][0]["parentId"], moved.json()["data"]["deleted"]) == (europe, [japan])
    assert paths(database) == {europe: f"/{europe}/", asia: f"/{europe}/{asia}/", china: f"/{europe}/{asia}/{china}/"}
    assert keeper.post("/categories/bulk", {"delete": [europe, asia, china]}).status_code == 400
    assert keeper.post("/categories/bulk", {"delete": [china, asia, europe]}).is_success
    assert reader.data(f"/categories/tree?typeId={kind}") == []
    assert reader.post("/categories/bulk", {"delete": [europe]}).status_code == 403
