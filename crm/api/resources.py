"""The generated routes: list, create, get, update, delete, bulk and business verbs of every entity in the registry."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy.orm import Session

from crm import access, schemas
from crm.api import openapi_records as described
from crm.api.bulk import Rows, bulk
from crm.api.call import Call
from crm.api.conditions import expected_version, is_known, tag
from crm.api.envelope import JSON_OPTIONS, Answer, Header, success
from crm.api.operations import operate
from crm.api.query import Shape
from crm.api.routing import TOKEN, Endpoint, Method
from crm.api.written import record_data
from crm.entity import Operation, entity_of, name_of, operations_of, path_of, permission, title_of
from crm.errors import NotFound
from crm.fields import fields_of, models
from crm.services import records

#: entities whose address is not their plural
ADDRESSES = {"attachment": "files", "audit_entry": "audit", "email_message": "emails"}


def address(model: type[Any]) -> str:
    """`/category-types`: where an entity's records are found, below /api."""
    return f"/{ADDRESSES.get(name_of(model)) or path_of(model)}"


def routes() -> list[Endpoint]:
    """The endpoints of every entity that the API reaches."""
    return [endpoint for model in models() if entity_of(model).api for endpoint in Resource(model).routes()]


class Resource:
    """The routes of one entity."""

    def __init__(self, model: type[Any]) -> None:
        self.model, self.title, self.entity = model, title_of(model), entity_of(model)
        self.versioned = hasattr(model, "version")

    def routes(self) -> list[Endpoint]:
        base, verbs = address(self.model), self.entity.verbs
        many: dict[str, Method] = {"GET": self._method("list", self.list)}
        one: dict[str, Method] = {"GET": self._method("get", self.get)}
        if "create" in verbs:
            many["POST"] = self._method("create", self.create)
        if "update" in verbs:
            one["PUT"] = self._method("update", self.update)
            one["PATCH"] = self._method("change", self.update)
        if "delete" in verbs:
            one["DELETE"] = self._method("delete", self.delete)
        found = [Endpoint(base, many), Endpoint(f"{base}/{{id}}", one)]
        if verbs:
            found.append(self.bulk_endpoint())
        for operation in operations_of(self.model).values():
            method = self._method(operation.verb, self._operating(operation), operation)
            found.append(Endpoint(f"{base}/{{id}}/{operation.verb.replace('_', '-')}", {"POST": method}))
        return found

    def bulk_endpoint(self) -> Endpoint:
        return Endpoint(f"{address(self.model)}/bulk", {"POST": self._method("bulk", self.bulk)})

    def _method(self, action: str, run: Any, operation: Operation | None = None) -> Method:
        verb = {"list": "view", "get": "view", "change": "update"}.get(action, action)
        access = operation.permission if operation else permission(self.model, verb)
        if action == "bulk":
            access = TOKEN  # each kind of change asks for its own
        return Method(run, access or TOKEN, carried=verb == "view", **described.method(self.model, action, operation))

    # ------------------------------------------------------------------ reads

    async def list(self, call: Call) -> Answer:
        assert call.caller is not None
        query = call.context.queries.parse(self.model, self.asked(call))
        found = await call.context.reads.many(call.caller, self.model, query)
        if query.shape.paging != "cursor":
            pages = -(-found.total // query.page_size)
            paging = {"total": found.total, "current": query.page, "pageSize": query.page_size, "totalPages": pages}
            return success({"list": found.records(), "pagination": paging})
        following = call.context.reads.next_cursor(found, query)
        shown = [found.plan.record(row) for row in found.rows[: query.page_size]]
        return success({"list": shown, "pagination": {"pageSize": query.page_size, "nextCursor": following}})

    async def get(self, call: Call) -> Answer:
        assert call.caller is not None
        query = call.context.queries.parse(self.model, self.asked(call), many=False)
        shape = query.shape.versioned() if self.versioned else query.shape
        record = await call.context.reads.one(call.caller, self.model, call.number("id", self.title), shape)
        if record is None:
            raise NotFound("%(what)s not found", what=self.title)
        if not self.versioned:
            return success(record)
        version: int = record["version"]
        if query.shape.fields and "version" not in query.shape.fields:
            del record["version"]
        known = call.header(b"if-none-match")
        if known is not None and self.stays(query.shape) and is_known(known, version):
            return Answer(304, b"", [tag(version)])
        return success(record, headers=[tag(version)])

    def asked(self, call: Call) -> str:
        """The query string as far as it is the generated routes' concern."""
        return call.query

    def stays(self, shape: Shape) -> bool:
        """Whether an answer is the same as long as its record is: what is computed changes with the hour."""
        return not shape.include and not any(field.computed for field in fields_of(self.model).values())

    # ------------------------------------------------------------------ writes

    async def create(self, call: Call) -> Answer:
        values = schemas.parse(self.model, "create", await call.json(), by="json")

        def work(session: Any) -> Answer:
            record = records.create(session, self.model, values)
            place = (b"location", f"/api{address(self.model)}/{record.id}".encode())
            return self.answer(session, record, f"{self.title} created successfully", [place], new=True)

        return await call.write(work)

    async def update(self, call: Call) -> Answer:
        key, expected = call.number("id", self.title), expected_version(call.header(b"if-match"))
        values = schemas.parse(self.model, "update", await call.json(), by="json")

        def work(session: Any) -> Answer:
            record = access.find(session, self.model, key, lock=True)
            records.update(session, record, values, expected_version=expected)
            return self.answer(session, record, f"{self.title} updated successfully")

        return await call.write(work)

    async def delete(self, call: Call) -> Answer:
        key, expected = call.number("id", self.title), expected_version(call.header(b"if-match"))

        def work(session: Any) -> Answer:
            records.delete(session, access.find(session, self.model, key, lock=True), expected_version=expected)
            return success(None, f"{self.title} deleted successfully")

        return await call.write(work)

    async def bulk(self, call: Call) -> Answer:
        return await bulk(call, self.model, self.tell)

    def _operating(self, operation: Operation) -> Any:
        async def run(call: Call) -> Answer:
            return await operate(call, operation, self.answer)

        return run

    def tell(self, session: Session, rows: Rows) -> None:
        """Add to rows just written what GET shows beside the fields."""

    def answer(
        self, session: Any, record: Any, message: str = "Success", headers: Any = (), *, new: bool = False
    ) -> Answer:
        """The record just written, as GET would show it, with its ETag."""
        data = record_data(session, record, new=new)
        self.tell(session, [data])
        made: list[Header] = [*headers, tag(record.version)] if self.versioned else [*headers]
        body = {"code": 200, "message": message, "data": data}
        return Answer(200, orjson.dumps(body, option=JSON_OPTIONS), made)
