"""The API as one ASGI application: path → endpoint → caller → handler → answer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from crm import formats
from crm.api import (
    auth,
    categories,
    contact_groups,
    docs,
    emails,
    files,
    handover,
    jobs,
    notifications,
    resources,
    roles,
    schedules,
    search,
    status,
    tasks,
    timeline,
    trash,
    users,
)
from crm.api.call import Call, Context, header
from crm.api.edge import NO_STORE, SECURITY, error_answer, send_answer
from crm.api.envelope import Answer, failure
from crm.api.identity import Caller, Identity
from crm.api.openapi import document
from crm.api.query import Queries
from crm.api.reader import open_reader
from crm.api.reads import Reads
from crm.api.routing import PUBLIC, TOKEN, Endpoint, Method, Table
from crm.db import Database
from crm.errors import Forbidden
from crm.fields import models
from crm.settings import Settings

#: routes of their own win over the generated ones
HAND_WRITTEN = (
    *(search, notifications, files, auth, users, roles, categories),
    *(contact_groups, tasks, timeline, emails, jobs, trash, handover, schedules, status, docs),
)


class Api:
    """Serves everything below /api; `close()` gives the connections back."""

    def __init__(self, database: Database, settings: Settings, endpoints: Iterable[Endpoint] | None = None) -> None:
        reader = open_reader(database, size=settings.db_pool_size)
        identity = Identity(database, settings, reader)
        self.table = Table(all_routes() if endpoints is None else endpoints)
        described = cache(lambda: orjson.dumps(document(self.table.endpoints)))
        self.context = Context(database, settings, reader, identity, Reads(reader, identity), Queries(), described)

    async def close(self) -> None:
        await self.context.reader.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("the API speaks HTTP only")
        try:
            answer = await self._answer(scope, receive)
        except Exception as error:
            answer = error_answer(error)
        if isinstance(answer, Answer):
            await send_answer(answer, send)
        else:
            await answer(scope, receive, _with_headers(send))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | Response:
        found = self.table.find(scope["path"])
        if found is None:
            return failure(404, "Not Found")
        endpoint, path = found
        scope["route_template"] = f"/api{endpoint.path}"
        name = "GET" if scope["method"] == "HEAD" else scope["method"]
        method = endpoint.methods.get(name)
        if method is None:
            return failure(405, "Method Not Allowed", headers=[(b"allow", endpoint.allow.encode())])
        caller = await self._caller(scope, method)
        public = method.access == PUBLIC
        call = Call(self.context, scope, receive, path, caller, schema=method.body, repeatable=not public)
        return await method.run(call)

    async def _caller(self, scope: Scope, method: Method) -> Caller | None:
        """Whoever calls, and may: their rights are fresh, unless the handler's own select looks after that."""
        if method.access == PUBLIC:
            return None
        caller = await self.context.identity.caller(header(scope, b"authorization"))
        if not method.carried:
            caller = await self.context.identity.confirm(caller)
        scope["user_id"] = caller.user_id
        formats.use_zone(caller.actor.timezone or self.context.settings.timezone)
        if not method.carried and method.access != TOKEN and not caller.actor.may(method.access):
            raise Forbidden("Forbidden")
        return caller


def create_api(database: Database, settings: Settings) -> Api:
    """The API of this process; StartError if an endpoint declares no permission."""
    return Api(database, settings)


def all_routes() -> list[Endpoint]:
    """Hand-written endpoints first, then the generated ones."""
    return list(_routes(tuple(models())))


@cache
def _routes(_known: tuple[type[Any], ...]) -> tuple[Endpoint, ...]:
    """Made once for what is registered: they keep nothing of an application."""
    written = [endpoint for module in HAND_WRITTEN for endpoint in module.routes()]
    return (*written, *resources.routes())


def _with_headers(send: Send) -> Send:
    """A Starlette response gets the same headers as an Answer, where it does not set its own."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name for name, _ in message["headers"]}
            message["headers"] += [pair for pair in (*SECURITY, NO_STORE) if pair[0] not in names]
        await send(message)

    return send_on
