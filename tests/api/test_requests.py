"""What the API refuses before any work is done, and how: always the envelope, never a stack trace."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

BROKEN = {
    "not JSON": b'{"name":',
    "a list": b"[]",
    "a text": b'"name"',
    "null": b"null",
    "not UTF-8": b'{"name":"\xff\xfe"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name":"x"}',
    "NaN": b'{"name":NaN}',
    "Infinity": b'{"name":-Infinity}',
    "a float beyond 64 bits": b'{"name":1e400}',
    "an integer beyond 64 bits": b'{"name":9223372036854775808}',
    "an endless integer": b'{"name":' + b"9" * 5000 + b"}",
    "a key twice": b'{"name":"a","name":"b"}',
    "a key twice inside": b'{"name":{"a":1,"a":2}}',
    "too deep": b'{"name":' + b"[" * 40 + b"]" * 40 + b"}",
    "far too deep": b"[" * 200_000,
    "half a surrogate pair": b'{"name":"\\ud800"}',
    "a comment": b'{"name":"a"/**/}',
    "a comma too many": b'{"name":"a",}',
    "single quotes": b"{'name':'a'}",
    "nothing": b"",
}
JSON = {"content-type": "application/json"}


def test_a_body_that_is_no_plain_json_object_is_refused(admin: Any, subtests: pytest.Subtests) -> None:
    for name, body in BROKEN.items():
        with subtests.test(name):
            answer = admin.post("/tags", content=body, headers=JSON)
            assert answer.status_code == 400
            assert answer.json().keys() >= {"code", "message", "data"}
            assert answer.json()["data"] is None
    assert admin.data("/tags")["pagination"]["total"] == 0


def test_a_body_of_another_type_or_size_is_refused(admin: Any) -> None:
    body = b'{"name":"x"}'
    for kind in ("text/plain", "application/xml", "application/json; charset=latin-1", ""):
        answer = admin.post("/tags", content=body, headers={"content-type": kind})
        assert answer.json()["code"] == answer.status_code == 415
    for kind in ("gzip", "deflate, gzip", "br"):
        answer = admin.post("/tags", content=body, headers={**JSON, "content-encoding": kind})
        assert answer.json()["message"] == "The body must be sent without a Content-Encoding"
        assert answer.status_code == 415
    assert admin.post("/tags", content=b'{"name":"y"}', headers={**JSON, "content-encoding": "identity"}).is_success
    long = b'{"name":"' + b"x" * (1024 * 1024) + b'"}'
    assert admin.post("/tags", content=long, headers=JSON).json()["code"] == 413
    chunks = (long[i : i + 65536] for i in range(0, len(long), 65536))
    assert admin.post("/tags", content=chunks, headers=JSON).status_code == 413
    assert admin.post("/tags", content=body, headers={"content-type": "application/json; charset=UTF-8"}).is_success


async def test_a_body_that_does_not_come_is_not_waited_for(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.api.call.READ_S", 0.01)
    sent: list[Any] = []

    async def silence() -> Any:
        await asyncio.Event().wait()

    async def hear(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"99")]
    scope = {"type": "http", "method": "POST", "path": "/api/auth/login", "query_string": b"", "headers": headers}
    await client.app(scope, silence, hear)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"]) == {"code": 408, "message": "The body came too slowly", "data": None}


@pytest.mark.parametrize("key", ["abc", "0", "-1", "1.5", "9223372036854775808", "1" * 60, "%00", "１"])
def test_a_number_no_record_can_bear_is_not_found(admin: Any, key: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body: dict[str, Any] = {"json": {}} if method == "PUT" else {}
        answer = admin.call(method, f"/tags/{key}", **body)
        assert answer.status_code == 404, (method, answer.text)


def test_paths_and_methods_that_do_not_exist_are_answered_in_the_envelope(admin: Any, anybody: Any) -> None:
    for path in ("", "/", "/nothing", "/tags/", "/tags/1/more", "//tags"):
        answer = anybody.get(path)
        assert answer.json() == {"code": 404, "message": "Not Found", "data": None}
    answer = admin.call("DELETE", "/audit")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json() == {"code": 405, "message": "Method Not Allowed", "data": None}


def test_every_answer_carries_its_request_id_and_the_security_headers(admin: Any, anybody: Any) -> None:
    answers = [
        admin.get("/tags"),
        admin.get("/tags/77"),
        anybody.get("/tags"),
        anybody.get("/nothing"),
        admin.call("DELETE", "/tags"),
        admin.post("/tags", content=b"{", headers=JSON),
        anybody.get("/docs"),
    ]
    for answer in answers:
        assert len(answer.headers["x-request-id"]) == 32
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert admin.get("/tags", headers={"x-request-id": "mine-12345"}).headers["x-request-id"] == "mine-12345"
    forged = admin.get("/tags", headers={"x-request-id": "a b\tc{}"}).headers["x-request-id"]
    assert len(forged) == 32


def test_health_and_readiness_are_told(anybody: Any) -> None:
    assert anybody.get("/health").json() == {"code": 200, "message": "Success", "data": {"status": "ok"}}
    checks = anybody.data("/ready")["checks"]
    assert checks == {"database": "up", "redis": "up", "worker": "silent"}


def test_an_unexpected_error_tells_the_caller_nothing(world: Any, admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("SELECT secret FROM vault")

    monkeypatch.setattr("crm.services.records.flush", broken)
    answer = admin.post("/tags", {"name": "x"})
    assert answer.status_code == 500
    assert answer.json() == {"code": 500, "message": "Internal Server Error", "data": None}


def test_texts_that_look_like_patterns_or_sql_are_only_texts(admin: Any) -> None:
    names = ["100%", "1000", "a_b", "axb", "back\\slash", "o'neil; drop table tag", 'q"uote', "张伟 & Söhne"]
    for name in names:
        assert admin.post("/tags", {"name": name}).is_success
    for part, found in (
        ("0%", "100%"),
        ("a_", "a_b"),
        ("\\s", "back\\slash"),
        ("'neil;", names[5]),
        ("伟", names[7]),
    ):
        data = admin.data("/tags", params={"name[contains]": part})
        assert [row["name"] for row in data["list"]] == [found]
    assert [r["name"] for r in admin.data("/tags", params={"name[starts]": "A"})["list"]] == ["a_b", "axb"]
    assert admin.data("/tags", params={"name[in]": "100%,1000"})["pagination"]["total"] == 2


def test_a_part_of_a_text_is_found_whatever_the_case_of_its_letters(admin: Any) -> None:
    for name in ("Müller", "MÜLLER", "Straße", "[sic]", "王*"):
        assert admin.post("/tags", {"name": name}).is_success
    for operator, part, found in (
        ("contains", "üLL", ["MÜLLER", "Müller"]),
        ("contains", "aße", ["Straße"]),
        ("contains", "[SI", ["[sic]"]),
        ("contains", "*", ["王*"]),
        ("starts", "mü", ["MÜLLER", "Müller"]),
        ("starts", "ü", []),
    ):
        data = admin.data("/tags", params={f"name[{operator}]": part})
        assert [row["name"] for row in data["list"]] == found
    refused = admin.get("/tags", params={"name[contains]": "x" * 60_000})
    assert refused.json()["message"] == "name[contains]: must have at most 1000 characters"
