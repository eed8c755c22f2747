"""A schedule is made from choices, says when it fires in words, and shows what it did."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from crm.models import Job, Schedule, User
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor


def test_a_schedule_is_made_without_a_line_of_json(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        reader = factories.user(session).id
    form = admin.form("/schedule/create")
    assert "payload" not in form
    form |= {
        "name": "Figures on Mondays",
        "kind": "report.mail",
        "payload.report.mail.report": "open_pipeline",
        "payload.report.mail.recipients": [str(reader), str(admin.user_id)],
        "cron": "0 8 * * mon",
        "timezone": "Asia/Shanghai",
    }
    answer = admin.post("/schedule/create", form)
    assert answer.status_code == 303, answer.text[-3000:]
    with as_system() as session:
        (made,) = session.scalars(select(Schedule)).all()
        assert made.payload == {"report": "open_pipeline", "recipients": [reader, admin.user_id]}
        number = made.id
    page = admin.page(f"/schedule/details/{number}")
    for told in ("Every Monday at 08:00", "Asia/Shanghai", "Next:", "08:00", "It has not fired yet."):
        assert told in page
    assert page.count("<time datetime=") == 5


def test_its_form_holds_what_was_chosen_and_saving_it_untouched_changes_nothing(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        made = factories.make(Schedule, session, owner_id=admin.user_id)
        number, version, payload = made.id, made.version, dict(made.payload)
        name = session.get_one(User, payload["recipients"][0]).name
    assert f">{name}</option>" in admin.page(f"/schedule/edit/{number}")
    form = admin.form(f"/schedule/edit/{number}")
    assert form["payload.report.mail.recipients"] == [str(payload["recipients"][0])]
    assert admin.post(f"/schedule/edit/{number}", form).status_code == 303
    with as_system() as session:
        after = session.get_one(Schedule, number)
        assert (after.payload, after.version) == (payload, version)


def test_another_kind_has_other_fields(admin: Visitor, as_system: Any) -> None:
    form = admin.form("/schedule/create") | {"name": "Backup", "kind": "backup.make", "cron": "0 3 * * *"}
    assert admin.post("/schedule/create", form | {"payload.backup.make.keep": "many"}).status_code == 400
    assert admin.post("/schedule/create", form | {"payload.backup.make.keep": "3"}).status_code == 303
    with as_system() as session:
        assert session.scalars(select(Schedule.payload)).all() == [{"keep": 3}]


def test_a_schedule_runs_at_once_and_its_job_stands_on_its_page(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        number = factories.make(Schedule, session, owner_id=admin.user_id).id
    assert admin.post(f"/schedule/do/{number}/run_now").status_code == 303
    with as_system() as session:
        job = session.scalars(select(Job.id)).one()
    assert f"/admin/job/details/{job}" in admin.page(f"/schedule/details/{number}")


def test_times_are_tried_out_while_they_are_typed(admin: Visitor, stranger: Visitor) -> None:
    page = admin.page("/schedules/preview?cron=30+2+*+*+*&timezone=Europe/Berlin")
    assert "Every day at 02:30" in page
    assert page.count("<time ") == 5
    assert "must be five cron fields" in admin.page("/schedules/preview?cron=nonsense")
    assert "either cron fields or an interval" in admin.page("/schedules/preview")
    assert "names a day that never comes" in admin.page("/schedules/preview?cron=0+0+31+2+*")
    assert stranger.get("/schedules/preview").status_code == 303


def test_lists_and_its_page_say_in_words_what_it_does_and_when(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        ann = factories.user(session, admin=True)
        ann.name = "Ann Lee"
        payload = {"report": "open_pipeline", "recipients": [ann.id]}
        given = {"kind": "report.mail", "payload": payload, "owner_id": ann.id}
        daily = records.create(session, Schedule, {**given, "name": "Daily", "cron": "30 2 * * *"})
        often = records.create(session, Schedule, {**given, "name": "Often", "interval_s": 5400})
        numbers = daily.id, often.id
    page = admin.page("/schedule/list")
    for told in ("Mail a report", "Every day at 02:30", "Every 90 minutes"):
        assert told in page
    for number in numbers:
        page = admin.page(f"/schedule/details/{number}")
        for told in ("Mail a report", "Open pipeline", "Ann Lee"):
            assert told in page
        assert "open_pipeline" not in page.partition('id="history"')[0]
