"""Category types and categories as the tests make them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.models import Category
from tests.clients import Caller


def new_type(keeper: Caller, code: str = "region", **more: Any) -> int:
    answer = keeper.post("/category-types", {"name": code.title(), "code": code, **more})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def new_category(keeper: Caller, type_id: int, code: str, parent: int | None = None, **more: Any) -> int:
    body = {"name": code.title(), "code": code, "typeId": type_id, "parentId": parent, **more}
    answer = keeper.post("/categories", body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def paths(database: Database) -> dict[int, str]:
    """number → path, of every live category"""
    with database.read_only(system("test")) as session:
        return {row.id: row.path for row in session.execute(select(Category.id, Category.path))}
