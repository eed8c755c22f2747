"""One request on its way: what was asked, who asks, and the transaction that answers it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.types import Receive, Scope

from crm import schemas
from crm.actor import Actor, system
from crm.api.envelope import Answer
from crm.api.identity import Caller, Identity
from crm.api.json_body import BODY_LIMIT, check_type, parse_object, too_large
from crm.api.query import Queries
from crm.api.reader import Reader
from crm.api.reads import Reads
from crm.db import Database
from crm.errors import BadInput, NotFound, RequestTimeout
from crm.services.idempotency import Kept, once
from crm.settings import Settings

Result = TypeVar("Result")
_LONGEST_KEY = 200
#: how long a body may take to come
READ_S = 30.0


@dataclass(frozen=True, slots=True)
class Context:
    """What the API of one process works with."""

    database: Database
    settings: Settings
    reader: Reader
    identity: Identity
    reads: Reads
    queries: Queries
    #: the OpenAPI document of all its routes, as JSON
    described: Callable[[], bytes]


class Call:
    """A request: `path` holds the values of the path's names, `caller` is None on public endpoints.

    `schema` is what the endpoint's body is read by; `repeatable` calls are done once an Idempotency-Key.
    """

    __slots__ = ("_body", "_repeatable", "_schema", "caller", "context", "path", "receive", "scope")

    def __init__(
        self,
        context: Context,
        scope: Scope,
        receive: Receive,
        path: dict[str, str],
        caller: Caller | None,
        *,
        schema: type[BaseModel] | None,
        repeatable: bool,
    ) -> None:
        self.context, self.scope, self.receive = context, scope, receive
        self.path, self.caller, self._schema, self._repeatable = path, caller, schema, repeatable
        self._body: bytes | None = None

    # ------------------------------------------------------------------ what was asked

    def header(self, name: bytes) -> str | None:
        """A header's value; `name` in lower case."""
        return header(self.scope, name)

    @property
    def query(self) -> str:
        """The query string, still encoded."""
        raw: bytes = self.scope["query_string"]
        return raw.decode("latin-1")

    @property
    def request(self) -> Request:
        """Starlette's view of it: query parameters, client address, forms."""
        return Request(self.scope, self.receive)

    def number(self, name: str, what: str) -> int:
        """A path value as a record's number; NotFound where no record could bear it."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit()) or len(text) > 19 or not 0 < (value := int(text)) < 2**63:
            raise NotFound("%(what)s not found", what=what)
        return value

    async def body(self) -> bytes:
        """The body's bytes, at most 1 MiB."""
        if self._body is None:
            self._body = await _read(self.scope, self.receive)
        return self._body

    def stand_for(self, body: bytes) -> None:
        """What counts as the body from here on, for an endpoint that has read a large one by itself."""
        self._body = body

    async def json(self, *, empty: bool = False) -> dict[str, Any]:
        """The JSON object sent; `empty` takes no body at all for an empty object."""
        body = await self.body()
        if not body:
            if empty:
                return {}
            raise BadInput("The body must be a JSON object")
        check_type(self.header(b"content-type") or "", self.header(b"content-encoding") or "")
        return parse_object(body)

    async def data(self, schema: type[BaseModel] | None = None) -> dict[str, Any]:
        """The body read by `schema` (else the endpoint's own), as {attribute: value}, only what was sent."""
        wanted = schema or self._schema
        assert wanted is not None
        return schemas.read(wanted, await self.json())

    # ------------------------------------------------------------------ who asks

    @property
    def actor(self) -> Actor:
        """Who acts; on public endpoints the process itself."""
        return self.caller.actor if self.caller is not None else system("api")

    async def any_caller(self) -> Caller | None:
        """On a public endpoint: whoever sent a token, confirmed; None without one."""
        if self.caller is None and (sent := self.header(b"authorization")):
            identity = self.context.identity
            self.caller = await identity.confirm(await identity.caller(sent))
        return self.caller

    # ------------------------------------------------------------------ what is done

    async def read(self, service: Callable[..., Result], *arguments: Any) -> Result:
        """`service(session, …)` in a session of the actor that keeps nothing."""
        async with self.context.database.read_only_async(self.actor) as session:
            return await session.run_sync(service, *arguments)

    async def run(self, service: Callable[..., Result], *arguments: Any) -> Result:
        """`service(session, …)` in one transaction of the actor, without regard to Idempotency-Key."""
        return await self.context.database.run(self.actor, service, *arguments)

    async def write(self, work: Callable[[Session], Answer]) -> Answer:
        """`work(session)` in one transaction; a POST with an Idempotency-Key is done once and answered alike."""
        key = self.header(b"idempotency-key") if self.scope["method"] == "POST" else None
        if key is None or not self._repeatable:
            return await self.run(work)
        if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
            raise BadInput("Idempotency-Key must have 1 to %(most)s printable characters", most=_LONGEST_KEY)
        digest = await self._fingerprint()
        return await self.run(_once, key, digest, work)

    async def _fingerprint(self) -> str:
        """The same request again has the same one."""
        parts = [self.scope["method"].encode(), self.scope["path"].encode(), self.scope["query_string"]]
        return hashlib.sha256(b"\n".join([*parts, await self.body()])).hexdigest()


def _once(session: Session, key: str, digest: str, work: Callable[[Session], Answer]) -> Answer:
    def kept(session: Session) -> Kept:
        answer = work(session)
        lines = [f"{name.decode()}: {value.decode()}" for name, value in answer.headers]
        return Kept(answer.status, "\n".join(lines), answer.body)

    found = once(session, key, digest, kept)
    lines = [line.partition(": ") for line in found.headers.splitlines()]
    headers = [(name.encode(), value.encode()) for name, _, value in lines]
    return Answer(found.status, found.body, headers)


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that (lower-case) name."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


async def _read(scope: Scope, receive: Receive) -> bytes:
    announced = header(scope, b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > BODY_LIMIT:
        raise too_large()
    try:
        async with asyncio.timeout(READ_S):
            return await _gathered(receive)
    except TimeoutError:
        raise RequestTimeout("The body came too slowly") from None


async def _gathered(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadInput("The request ended before its body did")
        chunk: bytes = message.get("body", b"")
        size, more = size + len(chunk), message.get("more_body", False)
        if size > BODY_LIMIT:
            raise too_large()
        chunks.append(chunk)
    return b"".join(chunks)
