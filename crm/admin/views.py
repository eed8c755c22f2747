"""A SQLAdmin view for every entity of the registry, its hooks led through our rights, statements and services."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast

from sqladmin import ModelView
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from crm import access, schemas
from crm.actor import Actor
from crm.admin import asked, queries
from crm.admin.visitor import actor_of
from crm.db import Database
from crm.entity import ALL_VERBS, entity_of, permission, title_of, titles_of
from crm.fields import fields_of, models
from crm.i18n import lazy
from crm.services import records

_PERMISSION = {"list": "view", "details": "view", "create": "create", "edit": "update", "delete": "delete"}


class EntityView(ModelView):
    """What the generated views share.

    SQLAdmin would write in a session of its own and commit each row; `insert_model`, `update_model` and
    `delete_model` are the services instead, so that panel and API do the same.
    """

    database: Database
    can_import = False
    export_types = ["csv"]

    # ------------------------------------------------------------------ rights

    def allows(self, actor: Actor, verb: str) -> bool:
        """Whether the actor may do `verb` to some record, and the entity knows the verb at all."""
        if verb in ALL_VERBS and verb not in entity_of(self.model).verbs:
            return False
        if verb in ("restore", "purge") and not self.has_trash:
            return False
        return actor.may(permission(self.model, "delete" if verb == "restore" else verb))

    @property
    def has_trash(self) -> bool:
        return hasattr(self.model, "deleted_at")

    @property
    def icon_name(self) -> str:
        return entity_of(self.model).icon

    def has_permission(self, request: Request, action: str, obj: Any = None) -> bool:
        return self.allows(actor_of(request), _PERMISSION.get(str(action), str(action)))

    def is_accessible(self, request: Request) -> bool:
        return self.allows(actor_of(request), "view")

    def is_visible(self, request: Request) -> bool:
        return self.is_accessible(request)

    async def check_can_view_details(self, request: Request, model: Any) -> bool:
        """SQLAdmin's check lets None pass: what is out of scope would be open to edit and delete."""
        return model is not None and self.has_permission(request, "details")

    async def check_can_edit(self, request: Request, model: Any) -> bool:
        return model is not None and self.has_permission(request, "edit")

    async def check_can_delete(self, request: Request, model: Any) -> bool:
        return model is not None and self.has_permission(request, "delete")

    # ------------------------------------------------------------------ statements

    def list_query(self, request: Request) -> Select[Any]:
        return select(self.model)

    def search_query(self, stmt: Select[Any], term: str) -> Select[Any]:
        return stmt.where(queries.searched(self.model, term))

    def sort_query(self, stmt: Select[Any], request: Request) -> Select[Any]:
        return queries.ordered(stmt, self.model, asked.read(self.model, request.query_params))

    async def count(self, request: Request, stmt: Select[Any] | None = None) -> int:
        """Of what the list shows, capped; SQLAdmin's own statement is not used at all."""
        wanted = asked.read(self.model, request.query_params)
        async with self.database.read_only_async(actor_of(request)) as session:
            found = queries.narrowed(self.model, wanted)
            number, _ = await session.run_sync(queries.count, found, exact=wanted.exact)
        return number

    async def get_object_filepath(self, identifier: str, column_name: str) -> Path:
        """No column holds a path: SQLAdmin would serve `.env` to whoever names a contact so."""
        raise HTTPException(404)

    # ------------------------------------------------------------------ writes

    async def insert_model(self, request: Request, data: Mapping[str, Any]) -> Any:
        """Create from raw form values (see `crm.schemas.parse`); raises CrmError."""
        values = schemas.parse(self.model, "create", data, by="name")
        return await self.database.run(actor_of(request), records.create, self.model, values)

    async def update_model(
        self, request: Request, pk: Any, data: Mapping[str, Any], *, expected_version: int | None = None
    ) -> Any:
        """Change what differs; raises CrmError, StaleVersion among them."""
        values = schemas.parse(self.model, "update", data, by="name")
        return await self.database.run(actor_of(request), _change, self.model, int(pk), values, expected_version)

    async def delete_model(self, request: Request, pk: Any) -> None:
        await self.database.run(actor_of(request), _delete, self.model, int(pk))

    async def on_import_row(self, data: dict[str, Any], model: Any, request: Request) -> NoReturn:
        """SQLAdmin's import creates only, past services and audit: it is switched off."""
        raise HTTPException(404)


def _change(session: Session, model: type[Any], key: int, values: records.Values, version: int | None) -> Any:
    return records.update(session, access.find(session, model, key, lock=True), values, expected_version=version)


def _delete(session: Session, model: type[Any], key: int) -> None:
    records.delete(session, access.find(session, model, key))


def make_view(model: type[Any]) -> type[EntityView]:
    """The view class of one entity; SQLAdmin reads `name` and `name_plural` from the class's own attributes only."""
    entity, fields = entity_of(model), fields_of(model)
    attributes = {
        "name": lazy(title_of(model)),
        "name_plural": lazy(titles_of(model)),
        "icon": f"ti ti-{entity.icon}",
        "category": lazy(entity.section),
        "can_create": "create" in entity.verbs,
        "can_edit": "update" in entity.verbs,
        "can_delete": "delete" in entity.verbs,
        "column_list": list(entity.list),
        "column_details_list": list(fields),
        "column_searchable_list": list(entity.search),
        "column_sortable_list": list(entity.sort),
        "column_export_list": list(entity.export or entity.list),
        "column_labels": {name: lazy(field.label) for name, field in fields.items()},
        # never empty: SQLAdmin takes an empty list for "every column and relation"
        "form_columns": list(entity.form) or ["id"],
        "page_size": asked.DEFAULT_SIZE,
        "page_size_options": list(asked.SIZES),
    }
    metaclass = cast(Any, type(ModelView))  # it takes the model as a keyword, which no stub tells
    return cast("type[EntityView]", metaclass(f"{model.__name__}Admin", (EntityView,), attributes, model=model))


def make_views() -> list[type[EntityView]]:
    return [make_view(model) for model in models()]
