"""A new entity with a relation and a verb of its own, and all that follows with no other file touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.actor import Scope
from crm.entity import Entity, operation, permission
from crm.entity_check import problems_of
from crm.models import AuditEntry, Customer
from crm.models.base import Record, Searchable, Trashable
from crm.models.owned import Owned
from tests.clients import World
from tests.conftest import BACKENDS
from tests.contract import declared
from tests.factories import as_json, make, sample


def declare() -> type[Any]:
    """What a developer writes: this, its line in models/__init__.py, and a generated migration."""

    class Contract(Owned, Trashable, Searchable, Record):
        """A signed agreement."""

        __tablename__ = "contract"
        __entity__ = Entity(
            section="Sales",
            icon="file-text",
            label="title",
            list=("title", "customer_id", "signed"),
            form=("title", "customer_id", "signed", "owner_id"),
            search=("title",),
            filters=("title", "customer_id", "signed", "created_at"),
            sort=("title", "created_at"),
            owner="owner_id",
        )

        title: Mapped[str] = mapped_column(String(120), index=True, doc="What was agreed.")
        customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True, doc="With whom.")
        signed: Mapped[bool] = mapped_column(default=False, index=True, doc="Signed by both.")

        customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])

    @operation(Contract)
    def sign(_session: Any, record: Any, *, witness: str) -> None:
        """Both have signed."""
        record.title, record.signed = f"{record.title} ({witness})", True

    return Contract


@pytest.fixture(scope="module")
def contract() -> Iterator[type[Any]]:
    """The entity, declared for this file and forgotten after it."""
    model = declare()
    yield model
    declared.forget(model)


@pytest.fixture(scope="module", params=BACKENDS)
def world(
    request: pytest.FixtureRequest,
    contract: type[Any],
    new_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    with declared.world_with(contract, request.param, new_database, tmp_path_factory.mktemp("data")) as made:
        yield made


def test_the_declaration_is_sound_and_names_its_permissions(contract: type[Any]) -> None:
    assert problems_of(contract) == []
    verbs = ("view", "create", "update", "delete", "export", "sign")
    assert [permission(contract, verb) for verb in verbs] == [
        "view_contracts", "create_contract", "update_contract", "delete_contract", "export_contracts", "sign_contract"
    ]  # fmt: skip


def test_it_is_created_found_changed_and_deleted(world: World, contract: type[Any], admin: Any) -> None:
    with world.session() as session:
        body = as_json(contract, sample(contract, session, title="框架协议 Frame agreement", signed=False))
    made = admin.post("/contracts", body)
    assert made.json()["message"] == "Contract created successfully"
    record = made.json()["data"]
    path = f"/contracts/{record['id']}"
    assert admin.data(path) == record
    for words in ("框架", "frame", "AGREE"):
        assert admin.data(f"/contracts?search={words}")["list"] == [record]
    assert admin.data("/contracts?search=nothing")["list"] == []
    assert admin.data(f"/contracts?title[starts]=框&sort=-title&signed=false&id={record['id']}")["list"] == [record]
    signed = admin.post(f"{path}/sign", {"witness": "Li"}).json()["data"]
    assert (signed["signed"], signed["version"]) == (True, 2)
    assert admin.post(f"{path}/sign", {}).json()["errors"] == [{"field": "witness", "message": "is required"}]
    assert admin.put(path, {"title": "x"}, headers={"if-match": '"v1"'}).status_code == 412
    assert admin.delete(path).json()["message"] == "Contract deleted successfully"
    assert admin.get(path).json()["message"] == "Contract not found"
    with world.session() as session:
        told = select(AuditEntry.action).where(AuditEntry.entity == "contract", AuditEntry.record_id == record["id"])
        assert list(session.scalars(told.order_by(AuditEntry.id))) == ["create", "sign", "delete"]
        assert session.get(contract, record["id"]) is None
        assert session.get(contract, record["id"], execution_options={"trash": "only"}) is not None


def test_it_keeps_to_permissions_and_scope(world: World, contract: type[Any]) -> None:
    stranger, agent = world.caller(), world.caller(view_contracts=Scope.OWN, update_contract=Scope.OWN)
    with world.session() as session:
        foreign = make(contract, session).id
        mine = make(contract, session, owner_id=agent.user_id).id
    assert stranger.get("/contracts").status_code == 403
    assert [row["id"] for row in agent.data("/contracts")["list"]] == [mine]
    assert agent.get(f"/contracts/{foreign}").status_code == 404
    assert agent.put(f"/contracts/{foreign}", {}).status_code == 404
    assert agent.post(f"/contracts/{mine}/sign", {"witness": "x"}).status_code == 403
    assert agent.post("/contracts/bulk", {"create": [{"title": "x"}]}).status_code == 403


def test_it_stands_in_the_document(anybody: Any) -> None:
    made = anybody.get("/openapi.json").json()
    assert {path for path in made["paths"] if "contracts" in path} == {
        "/api/contracts", "/api/contracts/bulk", "/api/contracts/{id}", "/api/contracts/{id}/sign",
        "/api/contracts/{id}/dependents", "/api/contracts/{id}/restore",
    }  # fmt: skip
    assert made["components"]["schemas"]["Contract"]["properties"]["signed"]["description"] == "Signed by both."
