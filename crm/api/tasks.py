"""`/api/tasks`: the generated routes; a task tells its reminders too, and a list does with `include=reminders`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.api import query
from crm.api.bulk import Rows
from crm.api.call import Call
from crm.api.envelope import JSON_OPTIONS, Answer
from crm.api.json_schema import COUNT, INSTANT, NUMBER, either, many, record
from crm.api.openapi_records import bulk_data, record_schema
from crm.api.resources import Resource
from crm.api.routing import Endpoint, Method, Parameter
from crm.entity import Operation, name_of
from crm.models.reminder import Channel, Reminder, ReminderState
from crm.models.task import Task

NAME = "reminders"
#: those that were called off are not shown
SHOWN = (ReminderState.WAITING, ReminderState.SENT)
REMINDER = record(
    id=NUMBER,
    userId=NUMBER,
    remindAt=INSTANT,
    offsetMinutes=either(COUNT),
    channel={"type": "string", "enum": [str(channel) for channel in Channel]},
    state={"type": "string", "enum": [str(state) for state in SHOWN]},
)


def routes() -> list[Endpoint]:
    return Tasks(Task).routes()


class Tasks(Resource):
    """The generated routes; `reminders`, as far as the caller may see them, stand beside the fields of a task."""

    def _method(self, action: str, run: Callable[..., Any], operation: Operation | None = None) -> Method:
        made = super()._method(action, run, operation)
        if action == "delete":
            return made
        own = record_schema(self.model)
        shown = {**own, "properties": own["properties"] | {NAME: many(REMINDER)}}
        if action == "bulk":
            shown = bulk_data(shown)
        if action == "list":
            shown = {**made.data, "properties": made.data["properties"] | {"list": many(shown)}}
        return replace(made, data=shown, parameters=tuple(_told(parameter) for parameter in made.parameters))

    def asked(self, call: Call) -> str:
        return _apart(call.query)[0]

    async def list(self, call: Call) -> Answer:
        answer = await super().list(call)
        return await _enriched(call, answer) if _apart(call.query)[1] else answer

    async def get(self, call: Call) -> Answer:
        """With `fields`, reminders are there only if `include` names them."""
        answer = await super().get(call)
        wanted = _apart(call.query)[1] or "fields" not in query.pairs(call.query)
        return await _enriched(call, answer) if wanted else answer

    def tell(self, session: Session, rows: Rows) -> None:
        found = reminders_of(session, [row["id"] for row in rows])
        for row in rows:
            row[NAME] = found.get(row["id"], [])


def reminders_of(session: Session, keys: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """task number → its reminders by moment; one select for all of them."""
    columns = (Reminder.id, Reminder.user_id, Reminder.remind_at, Reminder.offset_minutes)
    wanted = (
        select(Reminder.record_id, *columns, Reminder.channel, Reminder.state)
        .where(Reminder.record_type == name_of(Task), Reminder.record_id.in_(list(keys)), Reminder.state.in_(SHOWN))
        .order_by(Reminder.remind_at, Reminder.id)
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for task_id, *values in session.execute(wanted):
        assert task_id is not None
        found.setdefault(task_id, []).append(dict(zip(REMINDER["properties"], values, strict=True)))
    return found


async def _enriched(call: Call, answer: Answer) -> Answer:
    data = orjson.loads(answer.body)["data"]
    keys = [row["id"] for row in data.get("list", [data])]
    return _with(answer, await call.read(reminders_of, keys) if keys else {})


def _with(answer: Answer, reminders: dict[int, list[dict[str, Any]]]) -> Answer:
    body = orjson.loads(answer.body)
    for row in body["data"].get("list", [body["data"]]):
        row[NAME] = reminders.get(row["id"], [])
    return replace(answer, body=orjson.dumps(body, option=JSON_OPTIONS))


def _apart(text: str) -> tuple[str, bool]:
    """The query string without `reminders` among what it includes, and whether it was there."""
    if NAME not in text:
        return text, False
    given = query.pairs(text)
    names = given.pop("include", "").split(",")
    rest = [name for name in names if name != NAME]
    if any(rest):
        given["include"] = ",".join(rest)
    return urlencode(given), NAME in names


def _told(parameter: Parameter) -> Parameter:
    if parameter.name != "include":
        return parameter
    return replace(parameter, doc=f"{parameter.doc.removesuffix('.')}, {NAME}.")
