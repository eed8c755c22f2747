"""Rights act on the very next request: disabled users, taken roles, changed scopes, tokens that were signed out."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from crm.actor import Scope
from crm.app import make_app
from crm.columns import now
from crm.db import Database
from crm.models import Contact, Team, TokenBlacklist, User
from crm.services import tokens
from tests.clients import Caller
from tests.factories import make

READS = ("/contacts", "/contacts/1", "/contacts?cursor=", "/contacts?page=9", "/contacts/999")


@pytest.fixture
def one_contact(world: Any) -> None:
    with world.session() as session:
        make(Contact, session)


def _reads(who: Caller) -> list[int]:
    return [who.get(path).status_code for path in READS]


@pytest.mark.usefixtures("one_contact")
def test_a_disabled_user_is_out_at_once(world: Any, caller: Any) -> None:
    who = caller(view_contacts=Scope.ALL, create_contact=Scope.ALL)
    assert _reads(who) == [200, 200, 200, 200, 404]
    with world.session() as session:
        session.get(User, who.user_id).status = False
    assert _reads(who) == [401] * 5
    assert who.post("/contacts", {"name": "x"}).json()["message"] == "Invalid or expired token"


@pytest.mark.usefixtures("one_contact")
def test_a_permission_that_is_taken_away_or_narrowed_is_gone_at_once(world: Any, caller: Any) -> None:
    who = caller(view_contacts=Scope.ALL, create_contact=Scope.ALL)
    assert _reads(who) == [200, 200, 200, 200, 404]
    with world.session() as session:
        for grant in session.get(User, who.user_id).roles[0].grants:
            grant.scope = Scope.OWN
    assert _reads(who) == [200, 404, 200, 200, 404]
    assert who.data("/contacts")["list"] == []
    with world.session() as session:
        session.get(User, who.user_id).roles = []
    assert _reads(who) == [403] * 5
    assert who.post("/contacts", {"name": "x"}).status_code == 403


@pytest.mark.usefixtures("one_contact")
def test_a_permission_that_is_granted_counts_at_once(world: Any, caller: Any) -> None:
    who, giver = caller(), caller(view_contacts=Scope.ALL)
    assert _reads(who) == [403] * 5
    with world.session() as session:
        session.get(User, who.user_id).roles = list(session.get(User, giver.user_id).roles)
    assert _reads(who)[:1] == [200]


@pytest.mark.usefixtures("one_contact")
def test_it_holds_in_other_processes_too(world: Any, caller: Any) -> None:
    who = caller(view_contacts=Scope.ALL)
    url = world.database.url.render_as_string(hide_password=False)
    with TestClient(make_app(Database(url), world.settings)) as other:
        elsewhere = Caller(other, who.token, who.user_id)
        assert _reads(elsewhere) == _reads(who) == [200, 200, 200, 200, 404]
        with world.session() as session:
            session.get(User, who.user_id).status = False
        assert _reads(elsewhere) == _reads(who) == [401] * 5


@pytest.mark.usefixtures("one_contact")
def test_a_token_that_was_signed_out_or_is_too_old_is_refused(world: Any, caller: Any) -> None:
    who = caller(view_contacts=Scope.ALL)
    again = world.as_user(who.user_id)
    assert who.get("/contacts").is_success
    with world.session() as session:
        claims = tokens.verify(world.settings, who.token)
        session.add(TokenBlacklist(jti=claims.jti, expires_at=now() + timedelta(minutes=15)))
    assert _reads(who) == [401] * 5
    assert again.get("/contacts").is_success
    with world.session() as session:
        session.get(User, who.user_id).tokens_from = now() + timedelta(seconds=1)
    assert _reads(again) == [401] * 5


def test_only_a_good_bearer_token_counts(world: Any, anybody: Any, admin: Any) -> None:
    for header in ("", "Basic YTpi", "Bearer", "Bearer ", admin.token):
        answer = anybody.get("/contacts", headers={"authorization": header})
        assert answer.json() == {"code": 401, "message": "No token provided", "data": None}
        assert answer.headers["www-authenticate"] == "Bearer"
    for token in ("x", admin.token[:-2], admin.token + "x", "y" * 10_000, tokens.issue(world.settings, 10**9)):
        answer = anybody.get("/contacts", headers={"authorization": f"Bearer {token}"})
        assert answer.json() == {"code": 401, "message": "Invalid or expired token", "data": None}


def test_a_kept_token_still_expires(world: Any, admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert admin.get("/contacts").is_success
    late = time.time() + tokens.ACCESS_S + tokens.LEEWAY_S + 1
    monkeypatch.setattr("crm.api.identity.time.time", lambda: late)
    assert admin.get("/contacts").status_code == 401


def test_a_team_sees_its_records_and_those_of_the_teams_below(world: Any) -> None:
    with world.session() as session:
        top = make(Team, session)
        below, aside = make(Team, session, parent_id=top.id), make(Team, session)
        for team in (top, below, aside):
            make(Contact, session, name=f"of {team.id}", team_id=team.id)
        teams = [top, below, aside]
        session.flush()
        session.expunge_all()
    seen = {
        team.id: [
            row["name"] for row in world.caller(team=team, view_contacts=Scope.TEAM).data("/contacts?sort=id")["list"]
        ]
        for team in teams
    }
    names = [f"of {team.id}" for team in teams]
    assert seen == {teams[0].id: names[:2], teams[1].id: names[1:2], teams[2].id: names[2:]}
