"""The cells of the permission matrix: every address of one record, at the API and in the panel, with what it asks for.

Generated from the registry and the API's table of routes; pages of the panel that follow from no declaration stand in
OWN_PAGES.  `test_permission_matrix_routes.py` holds both against the tables of routes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect

from crm.admin.paths import identity
from crm.api.app import all_routes
from crm.api.options import options_schema
from crm.api.resources import address
from crm.api.routing import TOKEN, Table
from crm.entity import entity_of, name_of, operations_of, permission
from crm.models import Interaction, User
from crm.services.email_composing import ABOUT
from crm.services.timeline_entries import SUBJECTS
from tests.contract.population import Row

ENDPOINTS = list(Table(all_routes()).endpoints)


@dataclass(frozen=True)
class Cell:
    """`path` with {id}; `name` the permission it asks for, `verb` the one whose reach decides about the row.

    `uses` says what an allowed request does to its row: nothing, "up" (it is gone), or "no" (it is not sent at all).
    """

    method: str
    path: str
    name: str | None
    verb: str
    uses: str = ""
    trashed: bool = False
    declaration: Any = None

    def is_kept_from(self, row: Row) -> bool:
        """What would end the visit itself."""
        return self.uses == "up" and row.model is User and row.whose == "own"


# ---------------------------------------------------------------------------------------------- the API


def of_api(model: type[Any]) -> Iterator[Cell]:
    """Every route to one record."""
    start = f"{address(model)}/{{id}}"
    for endpoint in ENDPOINTS:
        rest = endpoint.path.removeprefix(start)
        if rest == endpoint.path or (rest and rest[0] != "/"):
            continue
        for http, method in endpoint.methods.items():
            verb, trashed = verb_of(model, method.access, endpoint.path), rest == "/restore"
            name = None if method.access == TOKEN else method.access
            uses = "up" if trashed or http == "DELETE" else ""
            if http == "GET" and rest in ("/download", "/preview"):
                uses = "no"  # these rows have no bytes: see tests/api/test_files.py
            yield Cell(http, endpoint.path, name, verb, uses, trashed, method)


def verb_of(model: type[Any], access: str, path: str) -> str:
    """`update_contact` asked of a contact is its `update`; a permission of another entity is only asked for."""
    if path.endswith(("/restore", "/dependents")):
        return "delete"
    known = ("view", "create", "update", "delete", *operations_of(model))
    verbs = [verb for verb in known if permission(model, verb) == access]
    named = path.rpartition("/")[2].replace("-", "_")
    return named if named in verbs else next(iter(verbs), "view")


def body_of(model: type[Any], cell: Cell, *, change: bool) -> dict[str, Any]:
    """The least that is understood; for updates, something that would show."""
    if cell.verb == "update" and change:
        label = inspect(model).columns.get(entity_of(model).label)
        return {"name": "changed"} if label is not None and label.key == "name" else {}
    operation = operations_of(model).get(cell.verb)
    schema = cell.declaration.body or (options_schema(operation) if operation else None)
    if schema is None or cell.verb == "update":
        return {}
    described = schema.model_json_schema()
    body = {name: _least(described["properties"][name], described) for name in described.get("required", ())}
    return body | ({"kinds": []} if cell.verb == "hand_over" else {})


def _least(schema: dict[str, Any], whole: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _least(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    return schema.get("enum", [{"integer": 1, "array": [], "boolean": False, "object": {}}.get(schema["type"], "1")])[0]


# ---------------------------------------------------------------------------------------------- the panel

#: what the forms of the panel need to be understood
FORM = {"subject": "A word", "kind": "note"}
#: entity → (method, path, permission, verb) of pages that follow from no declaration
OWN_PAGES: dict[str, tuple[tuple[str, str, str | None, str], ...]] = {
    "user": (
        ("GET", "/user/password/{id}", "update_user", "update"),
        ("POST", "/user/password/{id}", "update_user", "update"),
    ),
    "role": (
        ("GET", "/role/grants/{id}", "manage_roles", "update"),
        ("POST", "/role/grants/{id}", "manage_roles", "update"),
    ),
    "email_template": (("GET", "/email-template/body/{id}", "view_email_templates", "view"),),
    "email_message": (
        ("GET", "/inbox/{id}", "view_email_messages", "view"),
        ("GET", "/inbox/{id}/body", "view_email_messages", "view"),
    ),
    "contact_group": (("POST", "/contact-group/members/{id}", "update_contact", "view"),),
    "job": (("GET", "/jobs/{id}/live", "view_jobs", "view"),),
    "notification": (("POST", "/news/{id}/open", None, "view"),),
    "attachment": (
        ("GET", "/attachment/download/{id}", "view_attachments", "view"),
        ("GET", "/attachment/preview/{id}", "view_attachments", "view"),
    ),
}


def of_panel(model: type[Any]) -> Iterator[Cell]:
    """Every page of one record, live or in the trash; all of them ask for the permission to view as well."""
    here, verbs = f"/{identity(model)}", entity_of(model).verbs
    yield Cell("GET", f"{here}/details/{{id}}", permission(model, "view"), "view")
    for verb, page, uses in (("update", "edit", "no"), ("delete", "delete", "up")):
        if verb in verbs:
            yield Cell("GET", f"{here}/{page}/{{id}}", permission(model, verb), verb)
        # an empty form would empty the record: what may be sent is sent by tests/admin/test_edit.py
        yield Cell("POST", f"{here}/{page}/{{id}}", permission(model, verb) if verb in verbs else "nobody", verb, uses)
    for operation in operations_of(model).values():
        path = f"{here}/do/{{id}}/{operation.verb}"
        if operation.options:
            yield Cell("GET", path, operation.permission, operation.verb)
        yield Cell("POST", path, operation.permission, operation.verb)
    for verb, asked in (("restore", "delete"), ("purge", "purge")) if _has_trash(model) and "delete" in verbs else ():
        yield Cell("POST", f"{here}/{verb}/{{id}}", permission(model, asked), asked, "up", trashed=True)
    yield from _own_pages(model, here)


def _own_pages(model: type[Any], here: str) -> Iterator[Cell]:
    for method, path, name, verb in OWN_PAGES.get(name_of(model), ()):
        yield Cell(method, path, name, verb, "no" if name == "view_attachments" else "")
    if name_of(model) in ABOUT:
        for method, rest in (("GET", ""), ("POST", ""), ("POST", "/preview")):
            yield Cell(method, f"{here}/mail/{{id}}{rest}", "create_email_message", "view")
    if model in SUBJECTS:
        yield Cell("GET", f"{here}/timeline/{{id}}", permission(model, "view"), "view")
        yield Cell("POST", f"{here}/timeline/{{id}}", permission(Interaction, "create"), "view")


def _has_trash(model: type[Any]) -> bool:
    return "deleted_at" in inspect(model).columns
