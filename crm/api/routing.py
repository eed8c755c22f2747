"""What an endpoint is, who may call it, and which one answers a path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from crm.errors import StartError

if TYPE_CHECKING:
    from starlette.responses import Response

    from crm.api.call import Call
    from crm.api.envelope import Answer

#: what an endpoint asks of its caller, besides the names of permissions
PUBLIC = "public"
TOKEN = "token"
PREFIX = "/api"

Run = Callable[["Call"], Awaitable["Answer | Response"]]
Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the query or a header, as the API page shows it."""

    name: str
    doc: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    place: str = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """What one HTTP method of a path does.

    `access` is PUBLIC, TOKEN or a permission's name, checked before `run`.  `body` is the schema of the JSON body
    (`await call.data()` reads it by that schema), `raw_body` a JSON schema in its place, for a body of `body_type`,
    and `parts` the schemas it refers to;
    `data` is the JSON schema of the answer's `data` (of the whole body where `bare`).  `carried`: the handler's own
    select looks whether the caller's rights still hold.
    """

    run: Run
    access: str
    summary: str
    body: type[BaseModel] | None = None
    raw_body: Schema | None = None
    parts: tuple[type[BaseModel], ...] = ()
    body_required: bool = True
    body_type: str = "application/json"
    parameters: tuple[Parameter, ...] = ()
    data: Schema = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    bare: bool = False
    media_type: str = "application/json"
    carried: bool = False
    tag: str = ""
    operation_id: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path below /api (`/contacts/{id}`) with what its methods do."""

    path: str
    methods: Mapping[str, Method]

    @property
    def allow(self) -> str:
        """The `Allow` header: HEAD goes wherever GET goes."""
        names = {*self.methods, *(["HEAD"] if "GET" in self.methods else [])}
        return ", ".join(sorted(names))


class Table:
    """All endpoints, found by path without trying each: literal segments win over `{names}`."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = _merged(endpoints)
        self._literal = {PREFIX + e.path: e for e in self.endpoints if "{" not in e.path}
        self._patterns: dict[tuple[str, int], list[tuple[list[str], Endpoint]]] = {}
        for endpoint in self.endpoints:
            parts = endpoint.path.split("/")[1:]
            self._patterns.setdefault((parts[0], len(parts)), []).append((parts, endpoint))
        for found in self._patterns.values():
            found.sort(key=lambda item: [part.startswith("{") for part in item[0]])

    def find(self, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint of a full path, and the values of its `{names}`."""
        if (literal := self._literal.get(path)) is not None:
            return literal, {}
        parts = path.split("/")[2:]
        if not parts or not path.startswith(f"{PREFIX}/"):
            return None
        for pattern, endpoint in self._patterns.get((parts[0], len(parts)), ()):
            if (values := _match(pattern, parts)) is not None:
                return endpoint, values
        return None


def _match(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for want, got in zip(pattern, parts, strict=True):
        if want.startswith("{") and got:
            values[want[1:-1]] = got
        elif want != got:
            return None
    return values


def _merged(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """One endpoint a path; of two that declare the same method, the first one counts."""
    found: dict[str, dict[str, Method]] = {}
    for endpoint in endpoints:
        known = found.setdefault(endpoint.path, {})
        for name, method in endpoint.methods.items():
            if not method.access:
                raise StartError(
                    "crm/api: %(name)s %(path)s declares no permission: say PUBLIC, TOKEN or the permission's name.",
                    name=name,
                    path=endpoint.path,
                )
            known.setdefault(name, method)
    return [Endpoint(path, methods) for path, methods in found.items()]
