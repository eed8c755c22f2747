"""Category types and categories to the letter of document 004; trees of any depth."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, select

from crm.actor import Scope, system
from crm.db import Database
from crm.models import Category
from tests.clients import Caller
from tests.installed import check_error

TYPE = {"id", "name", "code", "description", "status", "createdAt", "updatedAt"}
NODE = {"id", "name", "code", "typeId", "parentId", "sort", "description"}


@pytest.fixture
def keeper(caller: Callable[..., Caller]) -> Caller:
    return caller(manage_categories=Scope.ALL)


@pytest.fixture
def reader(caller: Callable[..., Caller]) -> Caller:
    """A token and no permission."""
    return caller()


def _type(keeper: Caller, code: str = "region", **more: Any) -> int:
    answer = keeper.post("/category-types", {"name": code.title(), "code": code, **more})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def _category(keeper: Caller, type_id: int, code: str, parent: int | None = None, **more: Any) -> int:
    body = {"name": code.title(), "code": code, "typeId": type_id, "parentId": parent, **more}
    answer = keeper.post("/categories", body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def _tree(reader: Caller, type_id: int) -> Any:
    return reader.data(f"/categories/tree?typeId={type_id}")


def _paths(database: Database) -> dict[int, str]:
    with database.read_only(system("test")) as session:
        return {row.id: row.path for row in session.execute(select(Category.id, Category.path))}


# ---------------------------------------------------------------------------------------------- types


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
        _type(keeper, f"t{number}", status=number % 2 == 0)
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
    first = _type(keeper, "region")
    second = _type(keeper, "area")
    sent = {"name": "Again", "code": "region"}
    check_error(keeper.post("/category-types", sent), 400, "Category type code already exists")
    check_error(keeper.put(f"/category-types/{second}", sent), 400, "Category type code already exists")
    keeper.delete(f"/category-types/{first}")
    assert keeper.put(f"/category-types/{second}", sent).status_code == 200


def test_a_type_that_is_used_cannot_go(keeper: Caller) -> None:
    kind = _type(keeper)
    leaf = _category(keeper, kind, "asia")
    message = "Cannot delete category type with associated categories"
    check_error(keeper.delete(f"/category-types/{kind}"), 400, message)
    keeper.delete(f"/categories/{leaf}")
    assert keeper.delete(f"/category-types/{kind}").status_code == 200


# ---------------------------------------------------------------------------------------------- categories


def test_a_category_is_created_changed_and_deleted(keeper: Caller) -> None:
    kind = _type(keeper)
    top = _category(keeper, kind, "asia")
    sent = {"name": "China", "code": "cn", "typeId": kind, "parentId": top, "sort": 3, "description": "中国"}
    answer = keeper.post("/categories", sent)
    body = answer.json()
    assert body["message"] == "Category created successfully"
    assert set(body["data"]) == NODE | {"createdAt", "updatedAt"}
    assert {key: body["data"][key] for key in sent} == sent
    path = f"/categories/{body['data']['id']}"
    changed = keeper.put(path, {"name": "PRC", "sort": 1}).json()
    assert changed["message"] == "Category updated successfully"
    assert set(changed["data"]) == NODE | {"updatedAt"}
    assert (changed["data"]["name"], changed["data"]["sort"], changed["data"]["parentId"]) == ("PRC", 1, top)
    check_error(keeper.delete(f"/categories/{top}"), 400, "Cannot delete category with children")
    gone = keeper.delete(path)
    assert gone.json() == {"code": 200, "message": "Category deleted successfully", "data": None}
    assert keeper.delete(f"/categories/{top}").status_code == 200
    for method in ("GET", "PUT", "DELETE"):
        check_error(keeper.call(method, path, json={"name": "x"}), 404, "Category not found")


def test_the_tree_is_nested_and_in_order_as_the_document_prints_it(keeper: Caller, reader: Caller) -> None:
    kind, other = _type(keeper), _type(keeper, "other")
    europe = _category(keeper, kind, "europe", sort=2)
    asia = _category(keeper, kind, "asia", sort=1)
    japan = _category(keeper, kind, "japan", asia, sort=1)
    china = _category(keeper, kind, "china", asia, sort=1)
    korea = _category(keeper, kind, "korea", asia, sort=0)
    tokyo = _category(keeper, kind, "tokyo", japan)
    _category(keeper, other, "else")
    first, second = _tree(reader, kind)
    assert (first["id"], second["id"]) == (asia, europe)
    assert set(first) == set(second) == NODE - {"parentId"} | {"children"}
    assert second["children"] == []
    assert [child["id"] for child in first["children"]] == [korea, japan, china]
    assert set(first["children"][0]) == NODE
    assert first["children"][0]["parentId"] == asia
    assert [child["id"] for child in first["children"][1]["children"]] == [tokyo]


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ("", 400, "TypeId is required"),
        ("?typeId=", 400, "TypeId is required"),
        ("?typeId=x", 400, "typeId: must be a whole number"),
        ("?typeId=999999", 404, "Category type not found"),
        ("?typeId=1&depth=2", 400, "depth: is not a known parameter"),
    ],
)
def test_the_tree_needs_a_type(reader: Caller, asked: str, status: int, message: str) -> None:
    answer = reader.get(f"/categories/tree{asked}")
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_a_code_is_unique_under_its_type(keeper: Caller) -> None:
    kind, other = _type(keeper), _type(keeper, "other")
    top, second = _category(keeper, kind, "asia"), _category(keeper, kind, "europe")
    message = "Category code already exists under the same type"
    again = {"name": "Asia", "code": "asia", "typeId": kind, "parentId": second}
    check_error(keeper.post("/categories", again), 400, message)
    check_error(keeper.put(f"/categories/{second}", {"code": "asia"}), 400, message)
    assert _category(keeper, other, "asia") != top


def test_a_category_needs_what_it_needs(keeper: Caller) -> None:
    kind, other = _type(keeper), _type(keeper, "other")
    foreign = _category(keeper, other, "foreign")
    base = {"name": "Asia", "code": "asia", "typeId": kind}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"name": "Asia", "typeId": kind}, "code: is required"),
        ({**base, "typeId": 999_999}, "typeId: Category type not found"),
        ({**base, "parentId": 999_999}, "parentId: Category not found"),
        ({**base, "parentId": foreign}, "parentId: the parent must be a category of the same type"),
        ({**base, "path": "/1/"}, "path: is not a known field"),
    ]
    for body, message in refused:
        answer = keeper.post("/categories", body)
        assert (answer.status_code, answer.json()["message"]) == (400, message)
    mine = _category(keeper, kind, "asia")
    answer = keeper.put(f"/categories/{mine}", {"typeId": other})
    assert (answer.status_code, answer.json()["message"]) == (400, "typeId: is not a known field")


def test_a_tree_may_be_deep_and_is_read_by_one_select(keeper: Caller, reader: Caller, database: Database) -> None:
    kind, parent = _type(keeper), None
    with database.transaction(system("test")) as session:
        for number in range(60):
            node = Category(name="n", code=f"c{number}", type_id=kind, parent_id=parent)
            session.add(node)
            session.flush()
            parent = node.id
    nodes, depth = _tree(reader, kind), 0
    while nodes:
        nodes, depth = nodes[0].get("children", []), depth + 1
    assert depth == 60
    statements: list[str] = []
    with database.read_only(system("test")) as session:
        from crm.services import categories

        event.listen(session.connection(), "before_cursor_execute", lambda *a: statements.append(a[2]))
        categories.tree(session, kind)
    assert len(statements) == 1


def test_a_move_takes_the_subtree_along_and_closes_no_circle(
    keeper: Caller, reader: Caller, database: Database
) -> None:
    kind = _type(keeper)
    a, b = _category(keeper, kind, "a"), _category(keeper, kind, "b")
    c = _category(keeper, kind, "c", a)
    d = _category(keeper, kind, "d", c)
    assert keeper.put(f"/categories/{c}", {"parentId": b}).json()["data"]["parentId"] == b
    assert _paths(database) == {a: f"/{a}/", b: f"/{b}/", c: f"/{b}/{c}/", d: f"/{b}/{c}/{d}/"}
    for below in (b, c, d):
        answer = keeper.put(f"/categories/{b}", {"parentId": below})
        assert (answer.status_code, answer.json()["message"]) == (
            400,
            "parentId: a category cannot be moved below itself",
        )
    assert keeper.put(f"/categories/{c}", {"parentId": None}).status_code == 200
    assert _paths(database)[d] == f"/{c}/{d}/"
    assert [root["id"] for root in _tree(reader, kind)] == [a, b, c]


def test_two_moves_at_once_close_no_circle(keeper: Caller, reader: Caller) -> None:
    kind = _type(keeper)
    for number in range(3):
        a, b = _category(keeper, kind, f"a{number}"), _category(keeper, kind, f"b{number}")
        with ThreadPoolExecutor(2) as pool:
            moves = pool.map(lambda m: keeper.put(f"/categories/{m[0]}", {"parentId": m[1]}), [(a, b), (b, a)])
        assert sorted(answer.status_code for answer in moves) == [200, 400]
    assert len(_tree(reader, kind)) == 3


def test_a_category_whose_parent_lies_in_the_trash_is_shown_as_a_root(
    keeper: Caller, reader: Caller, database: Database
) -> None:
    kind = _type(keeper)
    top = _category(keeper, kind, "top")
    low = _category(keeper, kind, "low", top)
    for key in (low, top):
        keeper.delete(f"/categories/{key}")
    with database.transaction(system("test")) as session:
        session.get_one(Category, low, execution_options={"trash": "any"}).deleted_at = None
    assert [root["id"] for root in _tree(reader, kind)] == [low]


# ---------------------------------------------------------------------------------------------- who may


def test_reading_needs_a_token_and_writing_the_permission(keeper: Caller, reader: Caller, anybody: Caller) -> None:
    kind = _type(keeper)
    node = _category(keeper, kind, "asia")
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
    kind = _type(keeper)
    seen = keeper.get(f"/category-types/{kind}").headers["etag"]
    assert keeper.put(f"/category-types/{kind}", {"name": "A"}, headers={"if-match": seen}).status_code == 200
    assert keeper.put(f"/category-types/{kind}", {"name": "B"}, headers={"if-match": seen}).status_code == 412
    body, once = {"name": "Asia", "code": "asia", "typeId": kind}, {"idempotency-key": "one"}
    first, again = (keeper.post("/categories", body, headers=once) for _ in range(2))
    assert first.json() == again.json()
    assert keeper.post("/categories", {**body, "code": "b"}, headers=once).status_code == 409


# ---------------------------------------------------------------------------------------------- in use


def test_a_category_that_is_in_use_cannot_go(keeper: Caller, admin: Caller) -> None:
    kind = _type(keeper, "industry")
    top = _category(keeper, kind, "metal")
    for name in "AB":
        assert admin.post("/customers", {"name": name, "industryId": top}).status_code == 200
    message = "Cannot delete category: it is in use (Customers: 2)"
    check_error(keeper.delete(f"/categories/{top}"), 409, message)
    for row in admin.data("/customers")["list"]:
        assert admin.put(f"/customers/{row['id']}", {"industryId": None}).status_code == 200
    assert keeper.delete(f"/categories/{top}").status_code == 200


def test_customers_are_filtered_by_a_branch_of_the_tree(keeper: Caller, admin: Caller, database: Database) -> None:
    kind = _type(keeper, "industry")
    tops = [_category(keeper, kind, f"top{number}") for number in range(12)]  # numbers of one and of two digits
    middle = _category(keeper, kind, "middle", tops[0])
    leaf = _category(keeper, kind, "leaf", middle)
    for name, industry in (("top", tops[0]), ("middle", middle), ("leaf", leaf), ("else", tops[9]), ("none", None)):
        assert admin.post("/customers", {"name": name, "industryId": industry}).status_code == 200

    def below(key: Any) -> list[str]:
        rows = admin.data(f"/customers?industryId[under]={key}&sort=id")["list"]
        return [row["name"] for row in rows]

    assert below(tops[0]) == ["top", "middle", "leaf"]
    assert below(middle) == ["middle", "leaf"]
    assert below(tops[9]) == ["else"]
    assert below(999_999) == []
    assert admin.get("/customers?industryId[under]=x").status_code == 400
    assert admin.get("/customers?parentId[under]=1").status_code == 400
    assert keeper.put(f"/categories/{middle}", {"parentId": tops[9]}).status_code == 200
    assert below(tops[9]) == ["middle", "leaf", "else"]


def test_a_branch_moves_whole_while_others_move_and_grow_below_it(keeper: Caller, database: Database) -> None:
    kind = _type(keeper)
    homes = [_category(keeper, kind, f"home{number}") for number in range(2)]
    branch = _category(keeper, kind, "branch", homes[0])
    twig = _category(keeper, kind, "twig", branch)

    def work(number: int) -> int:
        if number % 3 == 0:
            return int(keeper.put(f"/categories/{branch}", {"parentId": homes[number % 2]}).status_code)
        if number % 3 == 1:
            body = {"name": "Leaf", "code": f"leaf{number}", "typeId": kind, "parentId": twig}
            return int(keeper.post("/categories", body).status_code)
        return int(keeper.put(f"/categories/{twig}", {"parentId": branch if number % 2 else homes[0]}).status_code)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(30))) == {200}
    with database.read_only(system("test")) as session:
        rows = {row.id: (row.parent_id, row.path) for row in session.scalars(select(Category))}
    for key, (parent, path) in rows.items():
        assert path == f"{rows[parent][1] if parent else '/'}{key}/", key


def test_no_category_comes_in_below_a_type_that_goes(keeper: Caller, database: Database) -> None:
    for number in range(4):
        kind = _type(keeper, f"t{number}")
        body = {"name": "A", "code": "a", "typeId": kind}
        with ThreadPoolExecutor(2) as pool:
            gone = pool.submit(keeper.delete, f"/category-types/{kind}")
            made = pool.submit(keeper.post, "/categories", body)
        codes = (gone.result().status_code, made.result().status_code)
        assert codes in ((200, 400), (400, 200)), codes
