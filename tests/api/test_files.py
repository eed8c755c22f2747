"""Files at the API: sent in, found, given back, refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from crm.actor import Scope
from crm.columns import now
from crm.models import Attachment, Customer, Job
from crm.settings import Settings
from tests import factories, samples
from tests.clients import Caller, World, started
from tests.files.corpus import CASES
from tests.files.test_storage import disk_of

Answer = Any


def send(who: Caller, name: str, data: bytes, **fields: Any) -> Answer:
    """Upload one file, as a client does."""
    more = fields.pop("headers", {})
    body, headers = samples.form(name, data, **fields)
    return who.call("POST", "/files", content=body, headers=headers | more)


def left(world: World) -> list[Path]:
    """Everything on the disk but folders and the lock."""
    return [p for p in world.settings.uploads.rglob("*") if p.is_file() and p.name != "lock"]


def sales(world: World, **more: Scope) -> Caller:
    """Somebody with own customers and files."""
    verbs = ("view_{}s", "create_{}", "update_{}", "delete_{}")
    grants = {verb.format(name): Scope.OWN for name in ("customer", "attachment") for verb in verbs}
    wanted: Any = grants | more
    return world.caller(**wanted)


def customer_of(world: World, who: Caller) -> int:
    with world.session() as session:
        return int(factories.make(Customer, session, owner_id=who.user_id).id)


def test_a_file_is_stored_by_content_and_comes_back_as_it_was(world: World, admin: Caller) -> None:
    data = samples.pdf()
    made = send(
        admin, "报价单 v2.pdf", data, recordType="customer", recordId=customer_of(world, admin), description="A"
    )
    assert made.status_code == 200, made.text
    record = made.json()["data"]
    assert made.headers["location"] == f"/api/files/{record['id']}"
    assert (record["name"], record["mediaType"], record["size"]) == ("报价单 v2.pdf", "application/pdf", len(data))
    assert record["previewState"] == "waiting"
    got = admin.get(f"/files/{record['id']}/download")
    assert got.content == data
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-length"] == str(len(data))
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["cache-control"] == "no-store"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["content-disposition"] == (
        "attachment; filename=\"___ v2.pdf\"; filename*=UTF-8''%E6%8A%A5%E4%BB%B7%E5%8D%95%20v2.pdf"
    )
    assert [path.name for path in left(world)] == [record["sha256"]]
    with world.session() as session:
        assert session.query(Job).filter_by(kind="file.preview").one().payload == {"attachment_id": record["id"]}


def test_the_same_bytes_are_stored_once(world: World, admin: Caller) -> None:
    first = send(admin, "a.txt", b"the same").json()["data"]
    second = send(admin, "b.txt", b"the same").json()["data"]
    assert first["sha256"] == second["sha256"]
    assert len(left(world)) == 1


def test_files_are_listed_searched_renamed_and_deleted_like_any_record(world: World, admin: Caller) -> None:
    key = customer_of(world, admin)
    record = send(admin, "合同草案.txt", "文本".encode(), recordType="customer", recordId=key).json()["data"]
    send(admin, "other.txt", b"x")
    found = admin.data(f"/files?recordType=customer&recordId={key}")["list"]
    assert [row["id"] for row in found] == [record["id"]]
    assert [row["id"] for row in admin.data("/files?search=合同")["list"]] == [record["id"]]
    path = f"/files/{record['id']}"
    assert admin.data(path) == record
    assert admin.call("PATCH", path, json={"name": "final.txt", "description": "Signed"}).json()["data"]["version"] == 2
    refused = admin.call("PATCH", path, json={"name": "final.exe"})
    assert refused.json()["errors"] == [{"field": "name", "message": "The name must end in: txt, md, log"}]
    assert admin.delete(path).status_code == 200
    for gone in (path, f"{path}/download", f"{path}/preview"):
        assert admin.get(gone).status_code == 404


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.exe", b"MZ", "file: Files of this type are not stored; pictures, PDF, "),
        ("page.html", b"<html>", "file: Files of this type are not stored"),
        ("x.svg", b"<svg/>", "file: Files of this type are not stored"),
        ("none", b"x", "file: Files of this type are not stored"),
        ("../../etc/a.txt", b"x", "file: The name of the file must not hold a path: / and \\ are not allowed"),
        ("..\\a.txt", b"x", "file: The name of the file must not hold a path"),
        ("a\x01.txt", b"x", "file: The name of the file holds control characters"),
        ("a.txt", b"", "file: The file is empty"),
        ("a.pdf", samples.picture(), "file: The content of a.pdf is not what its ending says"),
        ("a.txt", b"MZ\x00\x01", "file: The content of a.txt is not what its ending says"),
    ],
)
def test_what_may_not_be_stored_is_refused_with_a_sentence(
    world: World, admin: Caller, name: str, data: bytes, sentence: str
) -> None:
    answer = send(admin, name, data)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(sentence), answer.text
    assert answer.json()["errors"][0]["field"] == "file"
    assert left(world) == []
    assert admin.data("/files")["pagination"]["total"] == 0


def test_a_picture_under_another_pictures_ending_is_taken_for_what_it_is(admin: Caller) -> None:
    assert send(admin, "photo.png", samples.picture("JPEG")).json()["data"]["mediaType"] == "image/jpeg"


def test_a_body_that_is_no_form_of_files_is_refused(world: World, admin: Caller) -> None:
    form = {"content-type": "multipart/form-data; boundary=x"}
    for body, headers, status in (
        (b"{}", {"content-type": "application/json"}, 415),
        (b"--x\r\n", form, 400),
        (b"--x\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n\r\nhalf", form, 400),
        (b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\ntext\r\n--x--\r\n", form, 400),
        (b"--x\r\nContent-Disposition: form-data; name=other; filename=a.txt\r\n\r\ntext\r\n--x--\r\n", form, 400),
        (b"", form, 400),
    ):
        answer = admin.call("POST", "/files", content=body, headers=headers)
        assert answer.status_code == status, (body, answer.text)
    assert send(admin, "a.txt", b"x", unknown="1").json()["message"] == "unknown: is not a known field"
    two = admin.call("POST", "/files", files=[("file", ("a.txt", b"x")), ("file", ("b.txt", b"y"))])
    assert two.json()["message"] == "At most 1 files can be sent at once"
    assert admin.post("/files/bulk", {"create": [{"name": "a.txt"}]}).status_code == 400
    assert left(world) == []


def test_the_place_must_be_a_record_that_takes_files(world: World, admin: Caller) -> None:
    for fields, status in (
        ({"recordType": "customer"}, 400),
        ({"recordId": "1"}, 400),
        ({"recordType": "customer", "recordId": "x"}, 400),
        ({"recordType": "customer", "recordId": "9" * 30}, 400),
        ({"recordType": "user", "recordId": str(admin.user_id)}, 400),
        ({"recordType": "nonsense", "recordId": "1"}, 400),
        ({"recordType": "customer", "recordId": "4711"}, 404),
    ):
        assert send(admin, "a.txt", b"x", **fields).status_code == status, fields
    assert left(world) == []


def test_whoever_sees_the_record_sees_its_files_and_nobody_else(world: World) -> None:
    ann, bob = sales(world), sales(world)
    boss = world.caller(view_customers=Scope.ALL, view_attachments=Scope.OWN, delete_attachment=Scope.OWN)
    key = customer_of(world, ann)
    number = send(ann, "a.txt", b"x", recordType="customer", recordId=key).json()["data"]["id"]
    assert send(bob, "b.txt", b"x", recordType="customer", recordId=key).status_code == 404
    assert [ann.get(f"/files/{number}").status_code, boss.get(f"/files/{number}/download").status_code] == [200, 200]
    assert [bob.get(f"/files/{number}{rest}").status_code for rest in ("", "/download", "/preview")] == [404] * 3
    assert [who.data("/files")["pagination"]["total"] for who in (ann, bob, boss)] == [1, 0, 1]
    assert boss.delete(f"/files/{number}").status_code == 403  # sees the customer, may not change it
    with world.session() as session:
        session.get_one(Customer, key).deleted_at = now()
    assert [who.get(f"/files/{number}").status_code for who in (ann, boss)] == [200, 404]


def test_only_those_who_may_change_a_record_put_files_on_it(world: World) -> None:
    reader = sales(world, view_customers=Scope.ALL)
    key = customer_of(world, world.admin())
    assert send(reader, "a.txt", b"x", recordType="customer", recordId=key).status_code == 403
    assert left(world) == []
    nobody = world.caller(view_attachments=Scope.ALL)
    assert send(nobody, "a.txt", b"x").status_code == 403


def test_an_idempotency_key_makes_one_file_of_two_uploads(world: World, admin: Caller) -> None:
    key = {"idempotency-key": "one-upload"}
    first, again = (send(admin, "a.txt", b"x", headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert send(admin, "a.txt", b"other", headers=key).status_code == 409
    with world.session() as session:
        assert session.query(Attachment).count() == 1


def limited(database_url: str, settings: Settings, **limits: int) -> Any:
    """An application with limits of its own."""
    return started(database_url, settings.model_copy(update=limits))


def test_too_large_a_file_is_refused_with_the_limit(database_url: str, settings: Settings) -> None:
    sentence = {"code": 413, "message": "The file is larger than 1 MiB", "data": None}
    with limited(database_url, settings, upload_max_mb=1) as world:
        assert send(world.admin(), "a.txt", b"x" * (2**20 + 1)).json() == sentence
        assert send(world.admin(), "a.txt", b"x" * 2**22).json() == sentence
        body, headers = samples.form("a.txt", b"x" * 2**22)
        pieces = (body[i : i + 65_536] for i in range(0, len(body), 65_536))
        assert world.admin().call("POST", "/files", content=pieces, headers=headers).json() == sentence
        assert send(world.admin(), "a.txt", b"x" * 2**20).status_code == 200
        assert len(left(world)) == 1


def test_a_user_has_a_quota_and_the_trash_counts(database_url: str, settings: Settings) -> None:
    with limited(database_url, settings, upload_quota_mb=1) as world:
        ann, bob = sales(world), sales(world)
        first = send(ann, "a.txt", b"a" * 700_000).json()["data"]["id"]
        for _ in range(2):
            refused = send(ann, "b.txt", b"b" * 700_000)
            assert refused.status_code == 413
            assert refused.json()["message"].startswith("Your files may take up 1 MiB in all")
            ann.delete(f"/files/{first}")
        assert send(bob, "b.txt", b"b" * 700_000).status_code == 200
        assert len(left(world)) == 2


def test_uploads_at_once_do_not_exceed_the_quota_together(database_url: str, settings: Settings) -> None:
    with limited(database_url, settings, upload_quota_mb=1) as world:
        ann = sales(world)
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(send, ann, f"{n}.txt", bytes([97 + n]) * 400_000) for n in range(4)]
        assert sorted(one.result().status_code for one in sent) == [200, 200, 413, 413]
        assert sum(file["size"] for file in ann.data("/files")["list"]) == 800_000


def test_a_full_disk_is_said_and_leaves_nothing_behind(world: World, admin: Caller) -> None:
    with disk_of(16 * 2**20), ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(send, admin, f"{n}.txt", bytes([97 + n]) * 20 * 2**20) for n in range(3)]
        answers = [one.result() for one in sent]
    assert {answer.status_code for answer in answers} == {507}
    assert answers[0].json()["message"] == "There is no room left for files; ask your administrator to make some"
    assert (left(world), admin.data("/files")["pagination"]["total"]) == ([], 0)


def test_no_answer_lets_a_browser_run_what_was_uploaded(world: World, admin: Caller) -> None:
    for name, data, media_type in CASES:
        answer = send(admin, name.replace('"', ""), data)
        assert answer.status_code == (200 if media_type else 400), (name, answer.text)
        if media_type:
            got = admin.get(f"/files/{answer.json()['data']['id']}/download")
            assert (got.content, got.headers["content-type"].partition(";")[0]) == (data, media_type)
            assert got.headers["content-disposition"].startswith("attachment;")
            assert got.headers["content-security-policy"].startswith("sandbox;")
            assert got.headers["x-content-type-options"] == "nosniff"
