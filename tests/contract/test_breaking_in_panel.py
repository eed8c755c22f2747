"""Other people's records through the panel's forms, ways out of it, and rights that end while a form is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select
from starlette.routing import Route

from crm.admin.site import _routes
from crm.db import actor_of
from crm.jobs import enqueue
from crm.models import Attachment, Contact, ContactGroup, EmailMessage, Schedule, User
from crm.models.contact_group import contact_group_member
from crm.services import sessions
from crm.workers import registry
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from crm.workers.registry import KINDS, job
from tests.admin.conftest import Visitor
from tests.contract.matrix import roles
from tests.contract.stage import Stage
from tests.factories import make, user

AWAY = ("https://evil.example/", "//evil.example", "/\\evil.example", "/admin/../../evil", "/admin//evil.example")
BREAKING = "x\r\nSet-Cookie: evil=1\r\n\r\n<script>"


def _posts() -> Iterator[str]:
    names = {"{identity}": "contact", "{pk}": "1", "{verb}": "delete"}
    for route in _routes():
        if isinstance(route, Route) and "POST" in (route.methods or ()):
            path = route.path
            for name, value in names.items():
                path = path.replace(name, value)
            yield path


@pytest.fixture(scope="session")
def boss(world: Any) -> Visitor:
    """An administrator in the panel."""
    key = world.admin().user_id
    with world.session() as session:
        cookie = sessions.open_session(session, session.get(User, key))
    return Visitor(world.client, cookie, key)


@pytest.fixture
def seller(stage: Stage) -> Visitor:
    """Somebody who sees and does everything, of what is their own."""
    stage.become("own", roles()["own"])
    return stage.panel


# ---------------------------------------------------------------------------------------------- ways out


@pytest.mark.parametrize("path", sorted({path for path in _posts() if path != "/logout"}))
def test_no_form_leads_out_of_the_panel(path: str, boss: Visitor) -> None:
    for away in AWAY:
        sent = {"back": away, "next": away, "query": away, "to": "zh", "ids": "987654321", "save": away}
        answer = boss.post(path.replace("/1", "/987654321"), sent, params={"back": away, "next": away})
        location = answer.headers.get("location", "/admin/")
        assert location.startswith("/admin/"), (away, location)
        assert "evil" not in location.partition("?")[0], (away, location)


def test_no_value_breaks_out_of_a_header(boss: Visitor, world: Any) -> None:
    with world.session() as session:
        contact = make(Contact, session, name="x")
        key = contact.id
    ways = [
        boss.get("/contact/list", params={"search": BREAKING, "sort": BREAKING}),
        boss.get("/contact/export/csv", params={"search": BREAKING}),
        boss.get("/language", params={"to": BREAKING, "next": BREAKING}),
        boss.post("/language", {"to": BREAKING, "next": f"/admin/{BREAKING}"}),
        boss.post(f"/contact/delete/{key}", {}, params={"back": f"/admin/{BREAKING}"}),
        boss.get("/login", params={"next": f"/admin/{BREAKING}"}),
    ]
    for answer in ways:
        assert "evil" not in answer.cookies
        assert not any("evil=1" in value for name, value in answer.headers.items() if name == "set-cookie")
        assert all("\n" not in value for value in answer.headers.values())


def test_the_doors_do_not_take_each_others_keys(boss: Visitor, world: Any) -> None:
    """A cookie at the API would let foreign pages write there; a token in a cookie would outlive the session."""
    cookie = {"cookie": f"crm_session={boss.cookie}"}
    assert world.client.get("/api/contacts", headers=cookie).status_code == 401
    assert world.client.get("/api/contacts", headers={"authorization": f"Bearer {boss.cookie}"}).status_code == 401
    token = world.admin().token
    assert Visitor(world.client, token, 0).get("/contact/list").status_code == 303
    bearer = {"authorization": f"Bearer {token}"}
    assert Visitor(world.client, "", 0).get("/contact/list", headers=bearer).status_code == 303


@pytest.mark.parametrize("header", [{"kid": "../../dev/null"}, {"jku": "https://evil.example/k"}, {"x5u": "x"}])
def test_what_a_token_says_of_its_own_key_is_not_believed(header: dict[str, Any], world: Any) -> None:
    claims = jwt.decode(world.admin().token, options={"verify_signature": False})
    for key in ("x" * 32, "0" * 32, "https://evil.example/keys/of/theirs"):
        sent = jwt.encode(claims, key, algorithm="HS256", headers=header)
        answer = world.client.get("/api/auth/me", headers={"authorization": f"Bearer {sent}"})
        assert answer.status_code == 401


def test_a_token_of_the_future_is_refused(world: Any) -> None:
    claims = jwt.decode(world.admin().token, options={"verify_signature": False})
    sent = jwt.encode({**claims, "nbf": claims["exp"]}, world.settings.signing_key, algorithm="HS256")
    assert world.client.get("/api/auth/me", headers={"authorization": f"Bearer {sent}"}).status_code == 401


# ---------------------------------------------------------------------------------------------- other people's


def test_a_mail_takes_no_person_and_no_file_of_others(seller: Visitor, stage: Stage, world: Any) -> None:
    mine, foreign = (stage.people.rows[Contact][i].id for i in (0, 2))
    theirs = stage.people.rows[Attachment][2].id
    good = {"step": "send", "subject": "Hello", "text": "Hello", "contact": mine}
    for wrong in ({"contact": foreign}, {"other": foreign}, {"contact": [mine, foreign]}, {"attached": theirs}):
        with world.session() as session:
            before = session.scalar(select(func.count(EmailMessage.id)))
        answer = seller.post(f"/contact/mail/{mine}", {**good, **wrong})
        assert answer.status_code in (200, 400, 403, 404, 409), answer.status_code
        with world.session() as session:
            assert session.scalar(select(func.count(EmailMessage.id))) == before, wrong
    assert seller.post(f"/contact/mail/{mine}", good).status_code == 303


def test_a_group_takes_nobody_its_reader_cannot_see(seller: Visitor, stage: Stage, world: Any) -> None:
    group, foreign = stage.people.rows[ContactGroup][0].id, stage.people.rows[Contact][2].id
    for sent in ({"add": foreign}, {"remove": foreign}):
        seller.post(f"/contact-group/members/{group}", sent)
    seller.post("/contact/bulk-link", {"link": f"+groups:{group}", "ids": foreign})
    with world.database.engine().connect() as connection:
        held = select(contact_group_member.c.contact_id).where(contact_group_member.c.contact_group_id == group)
        assert foreign not in set(connection.execute(held).scalars())


def test_columns_no_form_has_are_not_taken(seller: Visitor, stage: Stage, world: Any) -> None:
    key = stage.people.rows[Contact][0].id
    extra = {"id": 1, "version": 99, "created_by": 1, "deleted_at": "2020-01-01", "search_text": "x"}
    with world.session() as session:
        before = {name: getattr(session.get(Contact, key), name) for name in extra}
    seller.post(f"/contact/edit/{key}", {**seller.form(f"/contact/edit/{key}"), **extra})
    with world.session() as session:
        assert {name: getattr(session.get(Contact, key), name) for name in extra} == before


# ---------------------------------------------------------------------------------------------- rights that end


def test_a_form_that_was_opened_with_more_rights_saves_nothing(stage: Stage) -> None:
    """Whose scope shrinks, or who loses the verb, while the form is on the screen."""
    row = next(row for row in stage.people.rows[Contact] if row.whose == "foreign" and not row.on)
    stage.become("all", roles()["all"])
    form = {**stage.panel.form(f"/contact/edit/{row.id}"), "name": "Mine now"}
    posts = [
        (f"/contact/edit/{row.id}", form),
        (f"/contact/delete/{row.id}", {}),
        ("/contact/bulk/delete", {"ids": row.id}),
    ]
    posts += [
        (f"/contact/timeline/{row.id}", {"subject": "x", "kind": "note"}),
        (f"/contact/mail/{row.id}", {"step": "send"}),
    ]
    assert stage.panel.get(f"/contact/mail/{row.id}").status_code == 200
    for role, statuses in (("own", {404, 303}), ("none", {403}), ("sees all, acts on own", {403, 303, 200})):
        stage.become(role, roles()[role])
        before = stage.trace(row)
        for path, sent in posts[:3] if role == "sees all, acts on own" else posts:
            assert stage.panel.post(path, sent).status_code in statuses, (role, path)
            assert stage.trace(row) == before, (role, path)


def test_nobody_but_an_administrator_makes_a_schedule_run_with_the_rights_of_a_third(stage: Stage, world: Any) -> None:
    """Whoever wrote it has chosen what it does and who hears of it."""
    stage.become("all", roles()["all"])
    with world.session() as session:
        leaver = user(session).id
        make(Schedule, session, owner_id=leaver)
    sent = {"toUserId": world.admin().user_id, "kinds": ["schedules"]}
    answer = stage.api.post(f"/users/{leaver}/hand-over", sent)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["field"] == "kinds"
    assert stage.api.post(f"/users/{leaver}/hand-over", {**sent, "toUserId": stage.me}).status_code == 200


def test_a_job_has_the_rights_its_asker_has_when_it_runs(
    stage: Stage, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[int]] = []
    monkeypatch.setattr(registry, "KINDS", dict(KINDS))

    @job("contacts.look")
    def look(session: Any) -> None:
        assert actor_of(session).user_id == stage.me
        seen.append(set(session.scalars(select(Contact.id))))

    for role in ("all", "own"):
        stage.become("all", roles()["all"])
        with world.session() as session:
            number = enqueue(session, "contacts.look", key=f"look {role}", principal_id=stage.me)
            session.connection().exec_driver_sql(f"UPDATE job SET status = 'dispatched' WHERE id = {number}")
        stage.become(role, roles()[role])
        assert number is not None
        execute(world.database, world.settings, Heartbeat(world.database, "worker"), number, worker="test")
    foreign = {row.id for row in stage.people.rows[Contact] if row.whose == "foreign"}
    assert foreign <= seen[0]
    assert not foreign & seen[1]
