"""The start-up check: a wrong declaration is named with its file and field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import REGISTRY, Entity, entity_of, permission, titles_of
from crm.entity_check import check_entities, problems_of
from crm.errors import StartError
from crm.models import Base, CategoryType, Contact, Opportunity, Role, User
from crm.models.base import Record, Trashable


@pytest.fixture
def register() -> Iterator[Any]:
    """Make an entity `gadget` from a declaration; it is forgotten afterwards."""

    def make(bases: tuple[type[Any], ...] = (Record,), **entity: Any) -> type[Any]:
        body = {
            "__tablename__": "gadget",
            "__module__": __name__,
            "__annotations__": {"name": Mapped[str], "size": Mapped[int], "bare": Mapped[str]},
            "name": mapped_column(index=True, doc="Name."),
            "size": mapped_column(doc="Size."),
            "bare": mapped_column(default=""),
            "__entity__": Entity(section="Sales", icon="box", **{"list": ("name",), **entity}),
        }
        return type("Gadget", bases, body)

    yield make
    REGISTRY.pop("gadget", None)
    if "gadget" in Base.metadata.tables:
        Base.metadata.remove(Base.metadata.tables["gadget"])
    Base.registry._class_registry.pop("Gadget", None)


def test_the_declarations_we_ship_are_right() -> None:
    import crm.app  # noqa: F401  (as at a start: every verb is declared)

    check_entities()


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"list": ("nmae",)}, "'list' names 'nmae', which is no field of it."),
        ({"form": ("name", "name")}, "'form' names 'name' twice."),
        ({"filters": ("size",)}, "'filters' names 'size', which has no index; give the column index=True."),
        ({"sort": ("size",)}, "'sort' names 'size', which has no index; give the column index=True."),
        ({"order": "-size"}, "'order' names 'size', which has no index; give the column index=True."),
        ({"label": "title"}, "'label' names 'title', which is no field of it."),
        ({"search": ("name",)}, "'search' needs the mixin Searchable."),
        ({"owner": "owner_id"}, "'owner' names 'owner_id', which is no column of it."),
        ({"secret": ("pin",)}, "'secret' names 'pin', which is no column of it."),
        ({"secret": ("name", "name")}, "'secret' names 'name' twice."),
        ({"verbs": ("create", "create")}, "'verbs' names 'create' twice."),
        ({"through": "customer"}, "'through' names 'customer', which is no relation of it."),
        ({"search": ("nmae",)}, "'search' names 'nmae', which is no field of it."),
        ({"export": ("name", "nmae")}, "'export' names 'nmae', which is no field of it."),
        ({"verbs": ("erase",)}, "'verbs' names 'erase'; it knows create, update, delete."),
        ({"owner_alone": ("lend",)}, "'owner_alone' names 'lend', which is no verb of it."),
        ({"owner_alone": ("update",)}, "'owner_alone' needs 'owner'."),
        ({"owner": "size"}, "'owner' names 'size', which points at no user."),
        ({"form": ("name", "version")}, "'form' names 'version', which nobody writes by hand."),
        ({}, "the column 'bare' has no doc."),
    ],
)
def test_each_mistake_is_named_with_file_and_field(register: Any, declared: dict[str, Any], sentence: str) -> None:
    model = register(**declared)
    expected = f"test_entity_check.py: Gadget.__entity__: {sentence}"
    assert expected in problems_of(model)
    with pytest.raises(StartError, match="Gadget"):
        check_entities()


@pytest.mark.parametrize(
    ("model", "declared", "sentence"),
    [
        (Contact, {"sort": ("name", "tags")}, "'sort' names 'tags', which holds many records."),
        (Contact, {"order": "tags"}, "'order' names 'tags', which holds many records."),
        (Contact, {"label": "tags"}, "'label' names 'tags', which holds many records."),
        (Opportunity, {"label": "stale"}, "'label' names 'stale', which is computed."),
        (Opportunity, {"form": ("name", "stale")}, "'form' names 'stale', which is computed."),
        (Contact, {"owner": "", "through": "tags"}, "'through' names 'tags', which holds many records."),
        (Contact, {"owner": "customer_id"}, "'owner' names 'customer_id', which points at no user."),
        (Contact, {"search": ("tags",)}, "'search' names 'tags', whose words cannot be kept in the row."),
        (
            *(Contact, {"search": ("customer_id", "team_id")}),
            "'search' names 'team_id', a second reference; the words of two cannot be told apart.",
        ),
    ],
)
def test_a_field_of_a_kind_that_will_not_do_is_named(
    monkeypatch: pytest.MonkeyPatch, model: type[Any], declared: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setattr(model, "__entity__", replace(entity_of(model), **declared))
    assert any(problem.endswith(f"{model.__name__}.__entity__: {sentence}") for problem in problems_of(model))


def test_a_wrong_owner_of_what_has_a_trash_is_named_too(register: Any) -> None:
    """Such a table has an index over the owner, which is made before anything is checked."""
    model = register(bases=(Trashable, Record), owner="ownr_id")
    assert any("'owner' names 'ownr_id', which is no column of it." in problem for problem in problems_of(model))


def test_two_entities_cannot_share_a_path(register: Any) -> None:
    model = register()
    model.__tablename__ = "contact"
    with pytest.raises(StartError, match="share the path /api/contacts"):
        check_entities()


def test_permission_names_follow_the_pattern() -> None:
    assert permission(Contact, "view") == "view_contacts"
    assert permission(Contact, "create") == "create_contact"
    assert permission(Contact, "export") == "export_contacts"
    assert permission(User, "delete") == "delete_user"
    assert permission(Role, "update") == "manage_roles"
    assert permission(CategoryType, "view") is None
    assert permission(CategoryType, "create") == "manage_categories"
    assert titles_of(CategoryType) == "Category types"
