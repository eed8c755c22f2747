"""R22: what people type is text on every screen, whatever it looks like; and secrets are on none (R16, R38)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import inspect, update

from crm.admin.panel import TEMPLATES
from crm.admin.paths import identity
from crm.api.resources import address
from crm.entity import entity_of, name_of, operations_of
from crm.fields import Kind, fields_of, models
from crm.models import Opportunity, Stage, User
from crm.services import sessions
from crm.services.email_composing import ABOUT
from tests.admin.conftest import Visitor
from tests.contract.population import Population, populate
from tests.contract.stage import on_one_database
from tests.factories import make

MARK = "xss7"
PAYLOADS = (
    *("<script>xss7()</script>", "<ScRiPt>xss7()</sCrIpT>", "</script><script>xss7()</script>", "<script/xss7>"),
    *("<img src=x onerror=xss7()>", "<img/src=x/onerror=xss7()>", "<svg onload=xss7()>", "<svg/onload=xss7()//"),
    *(
        '"><img src=x onerror=xss7()>',
        "'><img src=x onerror=xss7()>",
        '" onfocus=xss7() autofocus="',
        "' onclick=xss7() '",
    ),
    *("` onmouseover=xss7() `", "</textarea><script>xss7()</script>", "</title><script>xss7()</script>"),
    *("</option></select><img onerror=xss7()>", "<!--><script>xss7()</script>", "]]><script>xss7()</script>"),
    *("<iframe src=javascript:xss7()>", "<a href=javascript:xss7()>x</a>", "<base href=//xss7.example>"),
    *("<form action=javascript:xss7()><input>", "<object data=javascript:xss7()>", "<embed src=javascript:xss7()>"),
    *(
        "<meta http-equiv=refresh content=0;//xss7>",
        "<link rel=stylesheet href=//xss7>",
        "<style>@import'//xss7'</style>",
    ),
    *(
        "<math><mi xlink:href=javascript:xss7()>",
        "{{ xss7 }}{% xss7 %}",
        "${xss7}",
        "javascript:xss7()",
        "&lt;script&gt;xss7()",
    ),
    *("%3Cscript%3Exss7()%3C/script%3E", "\u2028<script>xss7()</script>", "＜script＞xss7()", "<b xss7>&#60;script>"),
)
TEXTS = (Kind.TEXT, Kind.LONG_TEXT, Kind.URL, Kind.EMAIL, Kind.PHONE)
#: read by the product itself: what is no name, rule or path there cannot be stored by any door
MACHINE = {
    "rrule",
    "cron",
    "media_type",
    "record_type",
    "kind",
    "colour",
    "language",
    "about",
    "preferred_language",
    "locale",
}
MACHINE |= {"about", "path", "key", "code", "sha256", "preview_sha256", "external_id", "entity", "action", "worker"}
ROWS = 6


class Scan(HTMLParser):
    """Finds whatever of a payload would run or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._raw = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._raw = tag if tag in ("script", "style") and ("type", "application/json") not in attributes else ""
        for name, value in attributes:
            text = (value or "").strip().lower()
            leads = name in ("href", "src", "action", "formaction", "data", "xlink:href", "srcdoc", "style", "content")
            harmful = text.startswith(("javascript:", "vbscript:", "data:text", "//")) or name in ("srcdoc", "style")
            if MARK in name or (name.startswith("on") and MARK in text) or (leads and harmful and MARK in text):
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_data(self, data: str) -> None:
        if self._raw and MARK in data:
            self.found.append(f"<{self._raw}> {data[:80]}")

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""


def runs(page: str) -> list[str]:
    scan = Scan()
    scan.feed(page)
    return scan.found


@pytest.fixture(scope="session")
def poisoned(world: Any) -> tuple[Visitor, dict[type[Any], list[int]]]:
    """An administrator in the panel, and rows of every entity with a payload in each text column."""
    rows: dict[type[Any], list[int]] = {}
    payload, boss = _payloads(), world.admin().user_id
    with world.session() as session:
        people: Population = populate(session)
        for model in models():
            made = [people.make(session, model, "own").id for _ in range(1 if _is_single(model) else ROWS)]
            rows[model] = made
        visitor = Visitor(world.client, sessions.open_session(session, session.get(User, boss)), boss)
    with world.database.engine().begin() as connection:
        for model, keys in rows.items():
            for key in keys:
                values = {name: next(payload)[:size] for name, size in _columns(model)}
                if values:
                    connection.execute(update(model.__table__).where(model.id == key).values(values))
    return visitor, rows


def test_a_stage_is_called_as_it_was_typed(poisoned: Any, world: Any) -> None:
    """Its name is looked up among the translations, where a text is not markup and not a format."""
    visitor, _ = poisoned
    templates = (path.read_text() for path in TEMPLATES.rglob("*.html"))
    assert not any(re.search(r"\b_\([^\"')]", template) for template in templates), (
        "use `translated` for what is stored"
    )
    with world.session() as session:
        deal = make(Opportunity, session)
        session.get(Stage, deal.stage_id).name = "50% <b onclick=xss7()>sure"
        key = deal.id
    for path in ("/opportunity/list", f"/opportunity/details/{key}", f"/opportunity/edit/{key}"):
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert runs(answer.text) == [], path


def _is_single(model: type[Any]) -> bool:
    """Each person has one of a kind."""
    return name_of(model) == "notification_preference"


def _payloads() -> Iterator[str]:
    """Each with a number, as some columns are unique."""
    number = 0
    while True:
        for payload in PAYLOADS:
            number += 1
            yield f"{number}{payload}"


def _columns(model: type[Any]) -> list[tuple[str, int]]:
    columns = inspect(model).columns
    kinds = {field.name: field.kind for field in fields_of(model).values()}
    named = [name for name, kind in kinds.items() if kind in TEXTS and name in columns and name not in MACHINE]
    return [(name, columns[name].type.length or 2000) for name in named]


@pytest.mark.parametrize("model", models(), ids=name_of)
@on_one_database
def test_what_people_type_never_runs(model: type[Any], poisoned: Any) -> None:
    visitor, rows = poisoned
    here, keys = f"/{identity(model)}", rows[model]
    pages = [f"{here}/list?pageSize=100", f"{here}/list?search={MARK}", f"{here}/list?trash=1"]
    pages += [f"{here}/{page}/{key}" for key in keys for page in ("details", "edit", "timeline", "mail", "delete")]
    pages += [f"{here}/do/{keys[0]}/{one.verb}" for one in operations_of(model).values() if one.options]
    if "create" in entity_of(model).verbs:
        pages.append(f"{here}/create")
    shown = [(path, visitor.get(path)) for path in pages]
    if "delete" in entity_of(model).verbs:
        shown.append(("bulk", visitor.post(f"{here}/bulk/delete/ask", {"ids": keys[:1]})))
    if name_of(model) in ABOUT:
        sent = {"step": "show", "subject": PAYLOADS[0], "text": PAYLOADS[1], "to": PAYLOADS[2]}
        shown.append(("mail", visitor.post(f"{here}/mail/{keys[0]}", sent)))
    seen = 0
    for path, answer in shown:
        assert answer.status_code < 500, (path, answer.status_code)
        assert runs(answer.text) == [], path
        seen += MARK in answer.text
    assert seen or not _columns(model)


@pytest.mark.parametrize(
    "path", ["/", f"/search?q={MARK}", "/inbox", "/outbox", "/jobs", "/preferences", "/news", "/news/latest"]
)
def test_no_page_of_many_kinds_runs_it_either(path: str, poisoned: Any) -> None:
    visitor, _ = poisoned
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json") or runs(answer.text) == []


def test_the_frames_of_mails_and_templates_run_nothing(poisoned: Any) -> None:
    visitor, rows = poisoned
    by_name = {name_of(model): keys for model, keys in rows.items()}
    paths = [f"/inbox/{key}{part}" for key in by_name["email_message"] for part in ("", "/body")]
    for path in [*paths, *(f"/email-template/body/{key}" for key in by_name["email_template"])]:
        answer = visitor.get(path)
        assert answer.status_code < 500
        if not path.endswith("/body") or "sandbox" not in answer.headers["content-security-policy"]:
            assert runs(answer.text) == [], path


def test_the_scan_itself_finds_what_would_run() -> None:
    """Unescaped, most of the corpus is found: a scan that finds nothing proves nothing."""
    found = [payload for payload in PAYLOADS if runs(f"<div>{payload}</div>")]
    assert len(found) > 0.6 * len(PAYLOADS), set(PAYLOADS) - set(found)


# ---------------------------------------------------------------------------------------------- secrets

SECRET = "canary-4f1d9c"


#: an attachment's are kept out of lists and forms, and shown by its preview
KEEPING = [m for m in models() if entity_of(m).secret and name_of(m) != "attachment"]


@pytest.mark.parametrize("model", KEEPING, ids=name_of)
def test_no_secret_column_is_told_anywhere(model: type[Any], poisoned: Any, world: Any) -> None:
    """At the API, in lists, on pages, in exports and in the history of the record."""
    visitor, rows = poisoned
    columns, key = inspect(model).columns, rows[model][0]
    texts = [n for n in entity_of(model).secret if n in columns and getattr(columns[n].type, "length", None) != 0]
    with world.session() as session:
        record = session.get(model, key)
        for name in texts:
            if columns[name].type.python_type is str:
                setattr(record, name, f"{SECRET} {name}")
    admin, here = world.admin(), f"/{identity(model)}"
    told = [visitor.get(f"{here}/{path}").text for path in (f"details/{key}", f"edit/{key}", "list", "export/csv")]
    told += [admin.get(f"{address(model)}{rest}").text for rest in (f"/{key}", "?limit=200", "?pageSize=200")]
    told += [admin.get("/audit?pageSize=200").text, visitor.get("/audit-entry/list?pageSize=100").text]
    told += [admin.get(f"{address(model)}?{name}={SECRET}").text for name in texts]
    told += [admin.get(f"{address(model)}?sort={name}").text for name in texts]
    assert not any(f"{SECRET} " in text for text in told)
    for name in texts:
        assert admin.get(f"{address(model)}?sort={name}").status_code == 400
