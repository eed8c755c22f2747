"""Idempotency-Key: a POST that is sent again is done once and answered alike, also at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from crm.columns import now
from crm.models import IdempotencyRecord
from crm.services.idempotency import purge_expired

_EXPIRED = update(IdempotencyRecord).values(expires_at=now() - timedelta(seconds=1))
KEY = {"idempotency-key": "order-4711"}


def test_the_same_request_again_is_answered_byte_for_byte_and_done_once(admin: Any) -> None:
    first = admin.post("/tags", {"name": "VIP"}, headers=KEY)
    again = admin.post("/tags", {"name": "VIP"}, headers=KEY)
    assert again.content == first.content
    assert [again.headers[name] for name in ("etag", "location")] == [first.headers["etag"], first.headers["location"]]
    assert admin.data("/tags")["pagination"]["total"] == 1


def test_another_request_under_the_same_key_is_a_conflict(admin: Any, caller: Any) -> None:
    admin.post("/tags", {"name": "VIP"}, headers=KEY)
    other = admin.post("/tags", {"name": "VIP2"}, headers=KEY)
    elsewhere = admin.post("/products", {"name": "VIP", "code": "1"}, headers=KEY)
    assert (other.status_code, elsewhere.status_code) == (409, 409)
    assert caller(admin=True).post("/tags", {"name": "mine"}, headers=KEY).is_success  # keys belong to their user


def test_a_request_that_failed_may_be_tried_again(admin: Any) -> None:
    admin.post("/tags", {"name": "VIP"})
    assert admin.post("/tags", {"name": "VIP"}, headers=KEY).status_code == 400
    assert admin.post("/tags", {"name": "VIP2"}, headers=KEY).status_code == 200


def test_many_at_the_same_moment_make_one_record(admin: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: admin.post("/tags", {"name": "VIP"}, headers=KEY), range(8)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].status_code == 200
    assert admin.data("/tags")["pagination"]["total"] == 1


def test_a_key_is_forgotten_after_a_day(world: Any, admin: Any) -> None:
    first = admin.post("/tags", {"name": "VIP"}, headers=KEY)
    with world.session() as session:
        session.execute(_EXPIRED, execution_options={"unscoped": True})
    again = admin.post("/tags", {"name": "VIP2"}, headers=KEY)
    assert again.status_code == 200
    assert again.content != first.content
    with world.session() as session:
        assert purge_expired(session) == 0
        session.execute(_EXPIRED, execution_options={"unscoped": True})
        assert purge_expired(session) == 1


def test_a_key_that_is_no_key_is_refused(admin: Any) -> None:
    for key in ("", "x" * 201, "a\tb"):
        assert admin.post("/tags", {"name": "VIP"}, headers={"idempotency-key": key}).status_code == 400


def test_bulk_is_done_once_as_well(admin: Any) -> None:
    body = {"create": [{"name": "a"}, {"name": "b"}]}
    first = admin.post("/tags/bulk", body, headers=KEY)
    assert admin.post("/tags/bulk", body, headers=KEY).content == first.content
    assert admin.data("/tags")["pagination"]["total"] == 2
