"""Twenty lines declare an entity; the panel has its screens without another file being touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import Field
from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.admin import forms
from crm.db import Database
from crm.entity import OPERATIONS, REGISTRY, Entity, operation
from crm.entity_check import problems_of
from crm.errors import Conflict
from crm.models.base import Base, Record, Searchable, Trashable
from crm.models.owned import Owned
from tests.admin.conftest import Visitor
from tests.admin.test_lists import names

Percent = Annotated[int, Field(ge=1, le=90)]


@pytest.fixture(scope="module")
def gadget() -> Iterator[type[Any]]:
    """The declaration; taken back afterwards, so that no other test meets it."""

    class Gadget(Owned, Trashable, Searchable, Record):
        __tablename__ = "gadget"
        __table_args__ = (Index("ix_gadget_title", "title"),)
        __entity__ = Entity(
            section="Workshop",
            icon="tool",
            label="title",
            list=("title", "price", "owner_id", "created_at"),
            form=("title", "price", "notes", "owner_id"),
            search=("title",),
            filters=("title", "owner_id", "created_at"),
            sort=("title", "created_at"),
            owner="owner_id",
        )

        title: Mapped[str] = mapped_column(String(80), doc="What it is called.")
        price: Mapped[int | None] = mapped_column(doc="What it costs.")
        notes: Mapped[str] = mapped_column(String(2000), default="", doc="What else is known.")

    @operation(Gadget, icon="discount", when=lambda gadget: gadget.price is not None)
    def discount(session: Session, gadget: Any, *, percent: Percent, note: str = "") -> None:
        """Make it cheaper."""
        if gadget.price < 2:
            raise Conflict("It is cheap enough")
        gadget.price -= gadget.price * percent // 100
        gadget.notes = note

    yield Gadget
    OPERATIONS.pop("gadget")
    REGISTRY.pop("gadget")
    forms._inputs.pop(Gadget, None)
    Base.metadata.remove(Gadget.__table__)  # type: ignore[arg-type]
    Base.registry._dispose_cls(Gadget)


@pytest.fixture
def workshop(gadget: type[Any], database: Database, request: pytest.FixtureRequest) -> Visitor:
    """A visitor of a panel that knows the entity."""
    gadget.__table__.create(database.engine())
    visitor: Visitor = request.getfixturevalue("admin")
    return visitor


def test_twenty_lines_get_list_form_details_search_filter_export_trash_and_history(
    workshop: Visitor, gadget: type[Any]
) -> None:
    assert problems_of(gadget) == []
    assert "Workshop" in workshop.page("/")
    made = workshop.post("/gadget/create", {"title": "螺丝刀 Driver", "price": "7"})
    assert made.status_code == 303, made.text[-2000:]
    key = made.headers["location"].rpartition("/")[2]
    workshop.post("/gadget/create", {"title": "Hammer", "price": "x"})
    form = workshop.form(f"/gadget/edit/{key}")
    assert workshop.post(f"/gadget/edit/{key}", {**form, "price": "8"}).status_code == 303
    details = workshop.page(f"/gadget/details/{key}")
    assert "<del>7</del>" in details
    assert "<ins>8</ins>" in details
    for query in ("", "?search=螺丝", "?title__contains=driver", "?sortBy=title&sort=desc"):
        assert names(workshop, f"/gadget/list{query}") == ["螺丝刀 Driver"]
    assert names(workshop, "/gadget/list?search=hammer") == []
    assert "螺丝刀 Driver,8" in workshop.get("/gadget/export/csv").text
    workshop.post(f"/gadget/delete/{key}")
    assert names(workshop, "/gadget/list") == []
    assert names(workshop, "/gadget/list?trash=1") == ["螺丝刀 Driver"]
    workshop.post(f"/gadget/restore/{key}")
    assert names(workshop, "/gadget/list") == ["螺丝刀 Driver"]


def test_a_verb_with_options_asks_for_them_first(workshop: Visitor, gadget: type[Any]) -> None:
    made = workshop.post("/gadget/create", {"title": "Saw", "price": "100"})
    key = made.headers["location"].rpartition("/")[2]
    here = f"/gadget/do/{key}/discount"
    assert f'href="/admin{here}"' in workshop.page(f"/gadget/details/{key}")
    assert 'name="percent"' in workshop.page(here)
    for wrong in ("", "99", "abc"):
        answer = workshop.post(here, {"percent": wrong, "note": "spring sale"})
        assert answer.status_code == 400
        assert "spring sale" in answer.text
    assert workshop.post(here, {"percent": "25", "note": "spring sale"}).status_code == 303
    details = workshop.page(f"/gadget/details/{key}")
    assert "<ins>75</ins>" in details
    assert "Discount" in details
