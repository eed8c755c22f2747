"""Export: exactly what the list shows, streamed, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import anyio
import pytest

from crm.actor import Scope
from crm.admin import export
from crm.models import Contact, Customer, Opportunity
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.test_lists import statements


def rows(visitor: Visitor, path: str) -> list[list[str]]:
    """The file's rows, header first."""
    answer = visitor.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def first(found: list[list[str]]) -> list[str]:
    return [row[0] for row in found[1:]]


def test_the_file_holds_what_the_list_shows_searched_filtered_and_sorted(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        firm = factories.make(Customer, session, name="Zeta").id
        for name in ("Cid Li", "Ann Li", "Bob Li", "Dan Wu"):
            factories.make(Contact, session, name=name, customer_id=firm if name != "Bob Li" else None)
    assert first(rows(admin, "/contact/export/csv?search=li&sortBy=name&sort=desc")) == ["Cid Li", "Bob Li", "Ann Li"]
    assert first(rows(admin, f"/contact/export/csv?customer_id={firm}&sortBy=name")) == ["Ann Li", "Cid Li", "Dan Wu"]
    admin.post("/contact/bulk/delete", {"all": "1", "query": "search=wu"})
    assert first(rows(admin, "/contact/export/csv?sortBy=name")) == ["Ann Li", "Bob Li", "Cid Li"]
    assert first(rows(admin, "/contact/export/csv?trash=1")) == ["Dan Wu"]


def test_the_header_speaks_the_readers_language_and_so_does_the_files_name(admin: Visitor) -> None:
    headers = {"cookie": f"crm_session={admin.cookie}; crm_lang=zh"}
    answer = admin.client.get("/admin/contact/export/csv", headers=headers)
    assert answer.text.startswith("\ufeff姓名") or "名" in answer.text.splitlines()[0]
    assert "filename*=UTF-8''%E8%81%94%E7%B3%BB%E4%BA%BA" in answer.headers["content-disposition"]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx", "\rx", "\nx", *"＝＋－＠"])
def test_no_text_is_taken_for_a_formula(text: str) -> None:
    from crm.admin.cells import Cell

    assert export.plain(Cell("text", text, text)) == f"'{text}"


def test_numbers_stay_numbers_and_emptiness_stays_empty(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        factories.default_pipeline(session)
        factories.make(Opportunity, session, name="=1+1", amount=Decimal("-1234.50"), expected_close_date=None)
    header, row = rows(admin, "/opportunity/export/csv")
    told = dict(zip(Opportunity.__entity__.list, row, strict=True))
    assert told["name"] == "'=1+1"
    assert told["amount"] == "-1234.50"
    assert told["expected_close_date"] == ""
    assert "None" not in row
    assert len(header) == len(row)


def test_the_file_is_made_in_chunks_with_few_statements(
    admin: Visitor, as_system: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 4)
    with as_system() as session:
        firm = factories.make(Customer, session).id
        for number in range(10):
            factories.make(Contact, session, name=f"N{number}", customer_id=firm)
    with statements() as seen:
        found = first(rows(admin, "/contact/export/csv?sortBy=name"))
    assert found == [f"N{number}" for number in range(10)]
    assert len([s for s in seen if "FROM customer" in s]) == 3
    pieces = admin.client.portal.call(_pieces, admin, "/admin/contact/export/csv")  # type: ignore[union-attr]
    assert [piece.count(b"\n") for piece in pieces if piece] == [1, 4, 4, 2]


async def _pieces(visitor: Visitor, path: str) -> list[bytes]:
    """The body as the server sends it: what is held in memory at a time."""
    sent: list[bytes] = []

    async def receive() -> dict[str, Any]:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    headers = [(b"host", b"testserver"), (b"cookie", f"crm_session={visitor.cookie}".encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "http",
    }
    await visitor.client.app(scope | {"headers": headers, "server": ("testserver", 80), "root_path": ""}, receive, send)
    return sent


def test_only_those_with_the_permission_export_and_only_as_far_as_it_reaches(visitor: Any, as_system: Any) -> None:
    viewer = visitor(view_contacts=Scope.ALL)
    assert viewer.get("/contact/export/csv").status_code == 403
    assert visitor(export_contacts=Scope.ALL).get("/contact/export/csv").status_code == 403
    exporter = visitor(view_contacts=Scope.ALL, export_contacts=Scope.OWN)
    with as_system() as session:
        factories.make(Contact, session, name="Mine", owner_id=exporter.user_id)
        factories.make(Contact, session, name="Theirs")
    assert first(rows(exporter, "/contact/export/csv")) == ["Mine"]


def test_only_known_formats_are_answered(admin: Visitor) -> None:
    assert admin.get("/contact/export/json").status_code == 404
    assert admin.get("/contact/import").status_code in (404, 405)
    assert admin.post("/contact/import").status_code in (404, 405)
