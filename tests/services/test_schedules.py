"""A schedule is kept only if it can run, and runs with nobody's rights but its owner's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.actor import Actor, Scope, system
from crm.columns import now
from crm.db import Database
from crm.errors import BadInput, Forbidden
from crm.models import Schedule
from crm.rights import load_actor
from crm.services import records
from tests import factories

GRANTS = dict.fromkeys(("view_schedules", "create_schedule", "update_schedule", "view_users"), Scope.ALL)


def body(**values: Any) -> dict[str, Any]:
    known = {"name": "Figures", "kind": "report.mail", "payload": {"report": "open_pipeline", "recipients": []}}
    return {**known, "cron": "0 8 * * mon", **values}


@pytest.fixture
def clerk(database: Database) -> Actor:
    with database.transaction(system("test")) as session:
        user_id = factories.user(session, GRANTS).id
    with database.read_only(system("test")) as session:
        found = load_actor(session, user_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cron": "nonsense"}, "cron"),
        ({"kind": "email.send"}, "kind"),
        ({"payload": {"report": "secrets", "recipients": []}}, "payload"),
        ({"payload": {"report": "open_pipeline", "recipients": [10**9]}}, "payload"),
        ({"payload": {"report": "open_pipeline", "recipients": "all"}}, "payload"),
        ({"payload": {"report": "open_pipeline", "recipients": [1] * 70_000}}, "payload"),
        ({"payload": {"report": "open_pipeline", "recipients": [], "key": "mine"}}, "payload"),
        ({"cron": "", "interval_s": 0}, "intervalS"),
    ],
)
def test_what_cannot_run_is_refused_and_the_field_named(database: Database, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused, database.transaction(system("test")) as session:
        records.create(session, Schedule, body(**wrong))
    assert [error.field for error in refused.value.errors] == [field]


def test_cron_and_interval_exclude_each_other(database: Database) -> None:
    with pytest.raises(BadInput), database.transaction(system("test")) as session:
        records.create(session, Schedule, body(interval_s=60))


def test_it_belongs_to_who_makes_it(database: Database, clerk: Actor) -> None:
    with database.transaction(clerk) as session:
        assert records.create(session, Schedule, body()).owner_id == clerk.user_id


@pytest.mark.parametrize("owner", ["somebody else", None])
def test_nobody_lends_themselves_the_rights_of_another(database: Database, clerk: Actor, owner: str | None) -> None:
    with database.transaction(system("test")) as session:
        other = factories.user(session).id
    with pytest.raises(Forbidden), database.transaction(clerk) as session:
        records.create(session, Schedule, body(owner_id=other if owner else None))


def test_another_users_schedule_cannot_be_turned_to_other_ends(database: Database, clerk: Actor) -> None:
    with database.transaction(system("test")) as session:
        number = records.create(session, Schedule, body(owner_id=factories.user(session).id)).id
    with pytest.raises(Forbidden), database.transaction(clerk) as session:
        records.update(session, session.get_one(Schedule, number), {"name": "Mine now"})


def test_new_terms_do_not_make_up_for_the_past_but_a_new_name_changes_nothing(database: Database) -> None:
    with database.transaction(system("test")) as session:
        schedule = records.create(session, Schedule, body())
        schedule.fires_after = long_ago = now() - timedelta(days=100)
        session.flush()
        records.update(session, schedule, {"name": "Renamed"})
        assert schedule.fires_after == long_ago
        records.update(session, schedule, {"cron": "0 9 * * mon"})
        assert schedule.fires_after > now() - timedelta(minutes=1)
