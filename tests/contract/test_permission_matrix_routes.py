"""Addresses of no single record, role by role; and that no route of either door is left out of the matrix unnamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.routing import Match, Mount, Route

from crm.admin.paths import identity
from crm.admin.site import _routes
from crm.api.routing import PUBLIC, TOKEN
from crm.entity import entity_of, name_of, permission
from crm.fields import writable
from crm.models import Attachment, Contact
from tests.contract.cells import ENDPOINTS, of_api, of_panel
from tests.contract.matrix import Sight, roles
from tests.contract.population import MODELS
from tests.contract.stage import TURNED_AWAY, Deviations, Stage, each_role
from tests.contract.test_routes import OPEN

#: (method, address, the permissions it asks for) of the panel's pages of many kinds
PAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("GET", "/", ()),
    ("GET", "/password", ()),
    ("POST", "/password", ()),
    ("GET", "/outbox", ("view_email_messages",)),
    ("POST", "/outbox/resend", ("view_email_messages", "resend_email_message")),
    ("GET", "/inbox", ("view_email_messages",)),
    ("GET", "/jobs", ("view_jobs",)),
    ("GET", "/jobs/live", ("view_jobs",)),
    ("POST", "/email-template/try", ("view_email_templates", "create_email_template")),
    ("GET", "/news", ()),
    ("GET", "/news/latest", ()),
    ("POST", "/news/read-all", ("read_notification",)),
    ("GET", "/preferences", ()),
    ("POST", "/preferences", ("create_notification_preference",)),
    ("GET", "/mentions", ()),
    ("GET", "/links/lookup", ()),
    ("GET", "/search", ()),
    ("GET", "/search/suggest", ()),
    ("GET", "/attachment/create", ("view_attachments", "create_attachment")),
    ("GET", "/schedules/preview", ("view_schedules",)),
)
#: routes of the panel that no right decides about, and why
OPEN_PAGES = {
    "statics": "style sheets and scripts, the same for everyone",
    "login": "for whoever is not signed in",
    "logout": "ends the visit; for whoever is signed in",
    "language": "changes a cookie of the reader's own",
    "forgot_password": "for whoever is not signed in",
    "reset_password": "for whoever holds the mailed token",
    "file_download": "SQLAdmin's, switched off: nothing is there for anybody",
    "file_preview": "the same",
}
#: (method, route) asked about in a test of their own
ELSEWHERE = {
    ("POST", "upload"): "test_a_file_goes_to_what_its_sender_may_change",
    ("GET", "list"): "test_lists_and_exports",
    ("GET", "export"): "test_lists_and_exports",
    ("GET", "ajax_lookup"): "test_what_a_look_up_offers",
    ("POST", "bulk"): "test_many_records_in_the_panel",
    ("POST", "bulk_ask"): "test_many_records_in_the_panel",
    ("POST", "bulk_link"): "test_many_records_under_a_tag",
}


@each_role
def test_addresses_of_many_records_at_the_api(role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    found = Deviations(stage, sight)
    for method, path, access in _collections():
        sent: dict[str, Any] = {} if method == "GET" else {"json": {}}
        found.ask(stage.api, method, path, 200 if access == TOKEN or sight.may(access) else 403, None, **sent)
    assert found == []


def _collections() -> Iterator[tuple[str, str, str]]:
    for endpoint in ENDPOINTS:
        if "{" not in endpoint.path:
            yield from ((name, endpoint.path, m.access) for name, m in endpoint.methods.items() if m.access != PUBLIC)


@each_role
def test_pages_of_many_records(role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    found = Deviations(stage, sight)
    for method, path, needed in (*PAGES, *_creating()):
        expected = 200 if all(sight.may(name) for name in needed) else 403
        if method == "GET":
            found.ask(stage.panel, method, path, expected, None)
        else:
            found.post(path, expected, None)
    assert found == []


def _creating() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """An empty form is refused by what is required, where the right is there."""
    for model in MODELS:
        needed = tuple(name for name in (permission(model, "view"), permission(model, "create")) if name)
        allowed = needed if "create" in entity_of(model).verbs else ("nobody",)
        yield from ((method, f"/{identity(model)}/create", allowed) for method in ("GET", "POST"))


@pytest.mark.parametrize("model", [m for m in MODELS if any(f.name == "tags" for f in writable(m))], ids=name_of)
@each_role
def test_many_records_under_a_tag(model: type[Any], role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    found = Deviations(stage, sight)
    tag = stage.people.rows[next(m for m in MODELS if name_of(m) == "tag")][0]
    sees = sight.may(permission(model, "view")) and sight.may("view_tags")
    for row in stage.lasting(model):
        expected = sight.answer(row, permission(model, "update"), "update") if sees else 403
        spare = stage.spare(row) if expected == 200 else row
        gone = TURNED_AWAY if expected == 404 else expected
        found.post(f"/{identity(model)}/bulk-link", gone, spare, link=f"+tags:{tag.id}", ids=spare.id)
    assert found == []


@each_role
def test_a_file_goes_to_what_its_sender_may_change(role: str, stage: Stage) -> None:
    sight = stage.become(role, roles()[role])
    found = Deviations(stage, sight)
    for row in stage.lasting(Contact):
        allowed = _takes_files(sight, row)
        before = len(stage.whole(Attachment, trash=True))
        data = {"csrf_token": stage.panel.token, "record_type": "contact", "record_id": str(row.id)}
        files = {"file": ("a.txt", b"word")}
        found.ask(stage.panel, "POST", "/attachment/upload", allowed, row, data=data, files=files)
        made = len(stage.whole(Attachment, trash=True)) - before
        assert made == (allowed == 200), row
    assert found == []


def _takes_files(sight: Sight, row: Any) -> int:
    if not (sight.may("create_attachment") and sight.may("view_contacts")):
        return 403
    return sight.answer(row, "update_contact", "update")


# ---------------------------------------------------------------------------------------------- nothing left out


def test_every_route_of_the_panel_is_in_the_matrix_or_named_with_its_reason() -> None:
    asked = {(method, _route(method, path)) for method, path, _ in (*PAGES, *_creating())}
    for model in MODELS:
        asked |= {(cell.method, _route(cell.method, cell.path.format(id=1))) for cell in of_panel(model)}
    known = {
        (method, str(route.name))
        for route in _routes()
        if isinstance(route, Route)
        for method in set(route.methods or ()) - {"HEAD"}
    }
    assert asked <= known
    left = {one for one in known - asked - ELSEWHERE.keys() if one[1] not in OPEN_PAGES}
    assert left == set(), "say in cells.py or here which right decides about it"


def _route(method: str, path: str) -> str:
    """The name of the route that answers."""
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    for route in _routes():
        if not isinstance(route, Mount) and route.matches(scope)[0] is Match.FULL:
            return str(getattr(route, "name", ""))
    raise AssertionError(f"{method} {path} leads nowhere")


def test_every_route_of_the_api_is_in_the_matrix_or_open_to_everyone() -> None:
    asked = {(cell.method, cell.path) for model in MODELS for cell in of_api(model)}
    asked |= {(method, path) for method, path, _ in _collections()}
    known = {(method, endpoint.path) for endpoint in ENDPOINTS for method in endpoint.methods}
    assert {one for one in known - asked if one[1] not in OPEN} == set()


def test_what_is_named_as_left_out_is_still_there() -> None:
    names = {getattr(route, "name", "") for route in _routes()}
    assert OPEN_PAGES.keys() <= names
    assert {name for _, name in ELSEWHERE} <= names
