"""Categories to the letter of document 004; trees of any depth."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, select

from crm.actor import system
from crm.db import Database
from crm.models import Category
from tests.api.category_samples import new_category, new_type, paths
from tests.clients import Caller
from tests.installed import check_error

NODE = {"id", "name", "code", "typeId", "parentId", "sort", "description"}


def _tree(reader: Caller, type_id: int) -> Any:
    return reader.data(f"/categories/tree?typeId={type_id}")


# ---------------------------------------------------------------------------------------------- types


# ---------------------------------------------------------------------------------------------- categories


def test_a_category_is_created_changed_and_deleted(keeper: Caller) -> None:
    kind = new_type(keeper)
    top = new_category(keeper, kind, "asia")
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
    kind, other = new_type(keeper), new_type(keeper, "other")
    europe = new_category(keeper, kind, "europe", sort=2)
    asia = new_category(keeper, kind, "asia", sort=1)
    japan = new_category(keeper, kind, "japan", asia, sort=1)
    china = new_category(keeper, kind, "china", asia, sort=1)
    korea = new_category(keeper, kind, "korea", asia, sort=0)
    tokyo = new_category(keeper, kind, "tokyo", japan)
    new_category(keeper, other, "else")
    first, second = _tree(reader, kind)
    assert (first["id"], second["id"]) == (asia, europe)
    assert set(first) == set(second) == NODE - {"parentId"} | {"children"}
    assert second["children"] == []
    assert [child["id"] for child in first["children"]] == [korea, japan, china]
    assert set(first["children"][0]) == NODE
    assert first["children"][0]["parentId"] == asia
    assert [child["id"] for child in first["children"][1]["children"]] == [tokyo]


def test_the_tree_needs_a_type(reader: Caller, subtests: pytest.Subtests) -> None:
    for asked, status, message in (
        ("", 400, "TypeId is required"),
        ("?typeId=", 400, "TypeId is required"),
        ("?typeId=x", 400, "typeId: must be a whole number"),
        ("?typeId=999999", 404, "Category type not found"),
        ("?typeId=1&depth=2", 400, "depth: is not a known parameter"),
    ):
        with subtests.test(asked):
            answer = reader.get(f"/categories/tree{asked}")
            assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_a_code_is_unique_under_its_type(keeper: Caller) -> None:
    kind, other = new_type(keeper), new_type(keeper, "other")
    top, second = new_category(keeper, kind, "asia"), new_category(keeper, kind, "europe")
    message = "Category code already exists under the same type"
    again = {"name": "Asia", "code": "asia", "typeId": kind, "parentId": second}
    check_error(keeper.post("/categories", again), 400, message)
    check_error(keeper.put(f"/categories/{second}", {"code": "asia"}), 400, message)
    assert new_category(keeper, other, "asia") != top


def test_a_category_needs_what_it_needs(keeper: Caller) -> None:
    kind, other = new_type(keeper), new_type(keeper, "other")
    foreign = new_category(keeper, other, "foreign")
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
    mine = new_category(keeper, kind, "asia")
    answer = keeper.put(f"/categories/{mine}", {"typeId": other})
    assert (answer.status_code, answer.json()["message"]) == (400, "typeId: is not a known field")


def test_a_tree_may_be_deep_and_is_read_by_one_select(keeper: Caller, reader: Caller, database: Database) -> None:
    kind, parent = new_type(keeper), None
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
    kind = new_type(keeper)
    a, b = new_category(keeper, kind, "a"), new_category(keeper, kind, "b")
    c = new_category(keeper, kind, "c", a)
    d = new_category(keeper, kind, "d", c)
    assert keeper.put(f"/categories/{c}", {"parentId": b}).json()["data"]["parentId"] == b
    assert paths(database) == {a: f"/{a}/", b: f"/{b}/", c: f"/{b}/{c}/", d: f"/{b}/{c}/{d}/"}
    for below in (b, c, d):
        answer = keeper.put(f"/categories/{b}", {"parentId": below})
        assert (answer.status_code, answer.json()["message"]) == (
            400,
            "parentId: a category cannot be moved below itself",
        )
    assert keeper.put(f"/categories/{c}", {"parentId": None}).status_code == 200
    assert paths(database)[d] == f"/{c}/{d}/"
    assert [root["id"] for root in _tree(reader, kind)] == [a, b, c]


def test_two_moves_at_once_close_no_circle(keeper: Caller, reader: Caller) -> None:
    kind = new_type(keeper)
    for number in range(3):
        a, b = new_category(keeper, kind, f"a{number}"), new_category(keeper, kind, f"b{number}")
        with ThreadPoolExecutor(2) as pool:
            moves = pool.map(lambda m: keeper.put(f"/categories/{m[0]}", {"parentId": m[1]}), [(a, b), (b, a)])
        assert sorted(answer.status_code for answer in moves) == [200, 400]
    assert len(_tree(reader, kind)) == 3


def test_a_category_whose_parent_lies_in_the_trash_is_shown_as_a_root(
    keeper: Caller, reader: Caller, database: Database
) -> None:
    kind = new_type(keeper)
    top = new_category(keeper, kind, "top")
    low = new_category(keeper, kind, "low", top)
    for key in (low, top):
        keeper.delete(f"/categories/{key}")
    with database.transaction(system("test")) as session:
        session.get_one(Category, low, execution_options={"trash": "any"}).deleted_at = None
    assert [root["id"] for root in _tree(reader, kind)] == [low]


# ---------------------------------------------------------------------------------------------- who may


# ---------------------------------------------------------------------------------------------- in use


def test_customers_are_filtered_by_a_branch_of_the_tree(keeper: Caller, admin: Caller, database: Database) -> None:
    kind = new_type(keeper, "industry")
    tops = [new_category(keeper, kind, f"top{number}") for number in range(12)]  # numbers of one and of two digits
    middle = new_category(keeper, kind, "middle", tops[0])
    leaf = new_category(keeper, kind, "leaf", middle)
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
    kind = new_type(keeper)
    homes = [new_category(keeper, kind, f"home{number}") for number in range(2)]
    branch = new_category(keeper, kind, "branch", homes[0])
    twig = new_category(keeper, kind, "twig", branch)

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
