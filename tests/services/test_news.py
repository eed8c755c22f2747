"""Who is told what of a change: what became theirs, their name in a text, deals that were won or lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.actor import Actor, Scope, system
from crm.db import Database
from crm.models import (
    Contact,
    Customer,
    EmailMessage,
    Interaction,
    Job,
    LostReason,
    Notification,
    Opportunity,
    Stage,
    Task,
    User,
)
from crm.models.stage import StageCategory
from crm.names import plural
from crm.rights import load_actor
from crm.services import (
    mentions,
    notification_mail,
    notification_preferences,
    notifications,
    opportunity_moves,
    records,
)
from crm.services.notification_preferences import Wish
from tests import factories

TEST = system("test")
NOUNS = ("customer", "contact", "opportunity", "task", "interaction")
ALL = {f"{verb}_{noun}": Scope.ALL for verb in ("create", "update") for noun in NOUNS}
ALL |= {f"view_{plural(noun)}": Scope.ALL for noun in (*NOUNS, "user")}
ALL |= {"win_opportunity": Scope.ALL, "lose_opportunity": Scope.ALL}


def _user(session: Session, name: str, grants: dict[str, Scope] | None = None, **values: Any) -> int:
    made = factories.user(session, ALL if grants is None else grants)
    made.username, made.name = name, name.capitalize()
    for key, value in values.items():
        setattr(made, key, value)
    session.flush()
    return int(made.id)


def _actor(database: Database, user_id: int) -> Actor:
    with database.read_only(TEST) as session:
        actor = load_actor(session, user_id)
    assert actor is not None
    return actor


def _told(database: Database, user_id: int) -> list[tuple[str, str]]:
    with database.read_only(TEST) as session:
        mine = select(Notification).where(Notification.user_id == user_id).order_by(Notification.id)
        return [(n.kind, n.title) for n in session.scalars(mine)]


@pytest.fixture
def people(database: Database) -> dict[str, int]:
    with database.transaction(TEST) as session:
        factories.default_pipeline(session)
        boss = _user(session, "boss")
        return {
            "boss": boss,
            "mara": _user(session, "mara", manager_id=boss),
            "wei": _user(session, "wei"),
            "blind": _user(session, "blind", {"view_customers": Scope.OWN}),
        }


def test_whoever_gets_a_record_is_told_and_nobody_of_their_own_doing(
    database: Database, people: dict[str, int]
) -> None:
    with database.transaction(_actor(database, people["mara"])) as session:
        records.create(session, Task, {"title": "Call Acme", "assignee_id": people["wei"]})
    with database.transaction(_actor(database, people["wei"])) as session:
        key = records.create(session, Opportunity, {"name": "Pumps"}).id
    with database.transaction(_actor(database, people["wei"])) as session:
        records.update(session, session.get_one(Opportunity, key), {"owner_id": people["mara"]})
        records.create(session, Task, {"title": "Mine", "assignee_id": people["wei"]})
    assert _told(database, people["wei"]) == [("assigned", "Mara assigned to you: Call Acme")]
    assert _told(database, people["mara"]) == [("assigned", "Wei assigned to you: Pumps")]


def test_many_at_once_are_one_line(database: Database, people: dict[str, int]) -> None:
    with database.transaction(_actor(database, people["mara"])) as session:
        for number in range(5):
            records.create(session, Customer, {"name": f"C{number}", "owner_id": people["wei"]})
    assert _told(database, people["wei"]) == [("assigned", "Mara assigned 5 records to you")]


def test_whoever_is_named_is_told_once_for_a_text_and_only_if_they_may_see_it(
    database: Database, people: dict[str, int]
) -> None:
    note = {"subject": "Visit", "body": "@wei and @Blind, look; write to mara@example.com. @mara @nobody"}
    with database.transaction(_actor(database, people["mara"])) as session:
        made = records.create(session, Interaction, note)
        key = made.id
    with database.transaction(_actor(database, people["mara"])) as session:
        records.update(session, session.get_one(Interaction, key), {"body": note["body"] + " Again: @wei, @boss."})
    assert _told(database, people["wei"]) == [("mentioned", "Mara mentioned you: Visit")]
    assert _told(database, people["boss"]) == [("mentioned", "Mara mentioned you: Visit")]
    assert _told(database, people["blind"]) == []
    assert _told(database, people["mara"]) == []


def test_a_deal_that_is_won_or_lost_is_told_to_its_owner_and_their_manager(
    database: Database, people: dict[str, int]
) -> None:
    with database.transaction(_actor(database, people["mara"])) as session:
        won = records.create(session, Opportunity, {"name": "Pumps", "amount": 100})
        lost = records.create(session, Opportunity, {"name": "Valves"})
        keys = won.id, lost.id
    with database.transaction(TEST) as session:
        reason = records.create(session, LostReason, {"name": "Price"}).id
        pipeline = session.get_one(Opportunity, keys[0]).pipeline_id
        for category in (StageCategory.WON, StageCategory.LOST):
            if (
                session.scalar(select(Stage.id).where(Stage.pipeline_id == pipeline, Stage.category == category))
                is None
            ):
                records.create(session, Stage, {"name": category.value, "pipeline_id": pipeline, "category": category})
    with database.transaction(_actor(database, people["wei"])) as session:
        opportunity_moves.win(session, session.get_one(Opportunity, keys[0]))
        opportunity_moves.lose(session, session.get_one(Opportunity, keys[1]), lost_reason_id=reason)
    expected = [("deal_won", "Won: Pumps"), ("deal_lost", "Lost: Valves")]
    assert sorted(_told(database, people["mara"])) == sorted(expected)
    assert sorted(_told(database, people["boss"])) == sorted(expected)
    assert _told(database, people["wei"]) == []


def test_what_is_rolled_back_is_told_to_nobody(database: Database, people: dict[str, int]) -> None:
    with database.transaction(_actor(database, people["mara"])) as session:
        records.create(session, Task, {"title": "Never", "assignee_id": people["wei"]})
        session.rollback()
    assert _told(database, people["wei"]) == []


def test_news_are_told_in_the_language_of_the_reader(database: Database, people: dict[str, int]) -> None:
    with database.transaction(TEST) as session:
        session.get_one(User, people["wei"]).locale = "zh"
    with database.transaction(_actor(database, people["mara"])) as session:
        records.create(session, Contact, {"name": "王芳", "owner_id": people["wei"]})
    [(_, title)] = _told(database, people["wei"])
    assert title == "Mara 分配给您：王芳"


def test_preferences_decide_between_the_panel_and_mail(database: Database, people: dict[str, int]) -> None:
    wei = people["wei"]
    with database.transaction(TEST) as session:
        notification_preferences.keep(session, wei, {"assigned": Wish(in_app=False, by_mail=True)})
    with database.transaction(_actor(database, people["mara"])) as session:
        records.create(session, Task, {"title": "Call Acme", "assignee_id": wei})
    with database.transaction(TEST) as session:
        told = session.scalars(select(Notification).where(Notification.user_id == wei)).one()
        assert told.read_at is not None
        assert session.scalars(select(Job).where(Job.kind == "notification.mail")).one().payload == {
            "notification_id": told.id
        }
        for _ in range(2):
            notification_mail.send(session, told.id, address="https://crm.example")
        mail = session.scalars(select(EmailMessage)).one()
        assert mail.subject == "Mara assigned to you: Call Acme"
        assert f"https://crm.example/admin/task/details/{told.record_id}" in mail.text_body
        assert notification_preferences.wishes(session, wei)["mentioned"] == Wish(in_app=True, by_mail=False)


def test_all_are_marked_as_read_at_once_but_only_ones_own(database: Database, people: dict[str, int]) -> None:
    with database.transaction(TEST) as session:
        for name in ("mara", "wei"):
            user = session.get_one(User, people[name])
            for number in range(3):
                notifications.tell(session, user, kind="assigned", title="x", key=f"{name}:{number}")
    own = {"view_notifications": Scope.OWN, "read_notification": Scope.OWN}
    with database.transaction(Actor(people["mara"], "mara", own)) as session:
        assert notifications.unread(session) == 3
        assert notifications.read_all(session) == 3
        assert notifications.unread(session) == 0
    with database.transaction(Actor(people["wei"], "wei", own)) as session:
        assert notifications.unread(session) == 3


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@mara, @Wei.Chen and @mara", ["mara", "wei.chen"]),
        ("mara@example.com x@y @", []),
        ("(@李雷) 请看。@韩梅梅", ["李雷", "韩梅梅"]),
        (None, []),
        ("@a-b_c. Next", ["a-b_c"]),
    ],
)
def test_names_are_read_from_a_text(text: str | None, names: list[str]) -> None:
    assert mentions.named(text) == names
