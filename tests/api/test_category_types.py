"""Category types to the letter of document 004, and what keeps types and categories from going."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crm.db import Database
from tests.api.category_samples import new_category, new_type
from tests.clients import Caller
from tests.installed import check_error

TYPE = {"id", "name", "code", "description", "status", "createdAt", "updatedAt"}


def test_a_category_type_is_created_read_changed_and_deleted(keeper: Caller, reader: Caller) -> None:
    sent = {"name": "Region", "code": "region", "description": "Where", "status": True}
    answer = keeper.post("/category-types", sent)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (200, 200)
    assert body["message"] == "Category type created successfully"
    assert set(body["data"]) == TYPE
    assert {key: body["data"][key] for key in sent} == sent
    path = f"/category-types/{body['data']['id']}"
    assert answer.headers["location"] == f"/api{path}"
    assert reader.get(path).json() == {"code": 200, "message": "Success", "data": body["data"]}
    changed = keeper.put(path, {"name": "Area", "status": False}).json()
    assert changed["message"] == "Category type updated successfully"
    assert set(changed["data"]) == TYPE - {"createdAt"}
    assert (changed["data"]["name"], changed["data"]["status"], changed["data"]["code"]) == ("Area", False, "region")
    gone = keeper.delete(path)
    assert gone.json() == {"code": 200, "message": "Category type deleted successfully", "data": None}
    for method in ("GET", "PUT", "DELETE"):
        check_error(keeper.call(method, path, json={"name": "x"}), 404, "Category type not found")


def test_types_are_listed_in_the_documents_shape(keeper: Caller, reader: Caller) -> None:
    for number in range(12):
        new_type(keeper, f"t{number}", status=number % 2 == 0)
    data = reader.data("/category-types")
    assert set(data) == {"total", "items", "currentPage", "pageSize", "totalPages"}
    assert (data["total"], data["currentPage"], data["pageSize"], data["totalPages"]) == (12, 1, 10, 2)
    assert [set(item) for item in data["items"]] == [TYPE] * 10
    assert [item["code"] for item in data["items"]] == [f"t{n}" for n in range(10)]
    second = reader.data("/category-types?page=2&pageSize=5&status=true")
    assert (second["total"], second["totalPages"], [i["code"] for i in second["items"]]) == (6, 2, ["t10"])
    assert reader.data("/category-types?status=false")["total"] == 6
    assert reader.get("/category-types?status=maybe").status_code == 400


def test_a_types_code_is_unique_among_live_ones(keeper: Caller) -> None:
    first = new_type(keeper, "region")
    second = new_type(keeper, "area")
    sent = {"name": "Again", "code": "region"}
    check_error(keeper.post("/category-types", sent), 400, "Category type code already exists")
    check_error(keeper.put(f"/category-types/{second}", sent), 400, "Category type code already exists")
    keeper.delete(f"/category-types/{first}")
    assert keeper.put(f"/category-types/{second}", sent).status_code == 200


def test_a_type_that_is_used_cannot_go(keeper: Caller) -> None:
    kind = new_type(keeper)
    leaf = new_category(keeper, kind, "asia")
    message = "Cannot delete category type with associated categories"
    check_error(keeper.delete(f"/category-types/{kind}"), 400, message)
    keeper.delete(f"/categories/{leaf}")
    assert keeper.delete(f"/category-types/{kind}").status_code == 200


def test_reading_needs_a_token_and_writing_the_permission(keeper: Caller, reader: Caller, anybody: Caller) -> None:
    kind = new_type(keeper)
    node = new_category(keeper, kind, "asia")
    reads = ["/category-types", f"/category-types/{kind}", f"/categories/tree?typeId={kind}", "/categories"]
    for path in [*reads, f"/categories/{node}"]:
        assert reader.get(path).status_code == 200
        check_error(anybody.get(path), 401, "No token provided")
    writes: list[tuple[str, str, Any]] = [
        ("POST", "/category-types", {"name": "x", "code": "x"}),
        ("PUT", f"/category-types/{kind}", {"name": "x"}),
        ("DELETE", f"/category-types/{kind}", None),
        ("POST", "/categories", {"name": "x", "code": "x", "typeId": kind}),
        ("PUT", f"/categories/{node}", {"name": "x"}),
        ("DELETE", f"/categories/{node}", None),
    ]
    for method, path, body in writes:
        check_error(reader.call(method, path, json=body), 403, "Forbidden")
        check_error(anybody.call(method, path, json=body), 401, "No token provided")


def test_a_stale_etag_and_a_repeated_key(keeper: Caller) -> None:
    kind = new_type(keeper)
    seen = keeper.get(f"/category-types/{kind}").headers["etag"]
    assert keeper.put(f"/category-types/{kind}", {"name": "A"}, headers={"if-match": seen}).status_code == 200
    assert keeper.put(f"/category-types/{kind}", {"name": "B"}, headers={"if-match": seen}).status_code == 412
    body, once = {"name": "Asia", "code": "asia", "typeId": kind}, {"idempotency-key": "one"}
    first, again = (keeper.post("/categories", body, headers=once) for _ in range(2))
    assert first.json() == again.json()
    assert keeper.post("/categories", {**body, "code": "b"}, headers=once).status_code == 409


def test_a_category_that_is_in_use_cannot_go(keeper: Caller, admin: Caller) -> None:
    kind = new_type(keeper, "industry")
    top = new_category(keeper, kind, "metal")
    for name in "AB":
        assert admin.post("/customers", {"name": name, "industryId": top}).status_code == 200
    message = "Cannot delete category: it is in use (Customers: 2)"
    check_error(keeper.delete(f"/categories/{top}"), 409, message)
    for row in admin.data("/customers")["list"]:
        assert admin.put(f"/customers/{row['id']}", {"industryId": None}).status_code == 200
    assert keeper.delete(f"/categories/{top}").status_code == 200


def test_no_category_comes_in_below_a_type_that_goes(keeper: Caller, database: Database) -> None:
    for number in range(4):
        kind = new_type(keeper, f"t{number}")
        body = {"name": "A", "code": "a", "typeId": kind}
        with ThreadPoolExecutor(2) as pool:
            gone = pool.submit(keeper.delete, f"/category-types/{kind}")
            made = pool.submit(keeper.post, "/categories", body)
        codes = (gone.result().status_code, made.result().status_code)
        assert codes in ((200, 400), (400, 200)), codes


def test_many_at_once_are_told_as_one_is(keeper: Caller, reader: Caller) -> None:
    sent = {"create": [{"name": name, "code": name} for name in ("one", "two")]}
    made = keeper.post("/category-types/bulk", sent).json()["data"]["created"]
    assert made == [reader.data(f"/category-types/{row['id']}") for row in made]
    assert keeper.post("/category-types/bulk", sent).status_code == 400
    assert reader.post("/category-types/bulk", sent).status_code == 403
    gone = keeper.post("/category-types/bulk", {"delete": [row["id"] for row in made]}).json()["data"]
    assert gone == {"created": [], "updated": [], "deleted": [row["id"] for row in made]}
