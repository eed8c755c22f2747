"""`/api/users/{id}/open-records` and `/hand-over`: what is open and belongs to a user, and who gets it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from crm import access
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import COUNT, FLAG, record
from crm.api.openapi_records import ONCE
from crm.api.routing import Endpoint, Method
from crm.entity import operations_of
from crm.models.user import User
from crm.names import camel
from crm.schemas import LARGEST_KEY, Input
from crm.services import handover
from crm.services.handover import Kind

_COUNTS = record(**{camel(str(kind)): COUNT for kind in Kind})


class HandOver(Input):
    """To whom, which kinds (all, if left out), and whether the user may sign in no more."""

    to_user_id: Annotated[
        int, Field(alias="toUserId", ge=1, le=LARGEST_KEY, description="Number of the active user who gets it.")
    ]
    kinds: Annotated[list[Kind] | None, Field(max_length=len(Kind), description="What is handed over.")] = None
    disable: Annotated[bool, Field(description="Take the user's access away in the same transaction.")] = False


def routes() -> list[Endpoint]:
    right = operations_of(User)["hand_over"].permission
    asking = Method(
        count,
        right,
        "Count the open records that belong to a user.",
        data=_COUNTS,
        errors=(401, 403, 404),
        tag="Users",
        operation_id="countOpenRecordsOfUser",
    )
    giving = Method(
        give,
        right,
        "Hand the open records of a user over to a colleague.",
        body=HandOver,
        parameters=(ONCE,),
        data=record(handedOver=_COUNTS, disabled=FLAG),
        errors=(400, 401, 403, 404, 409, 413, 415),
        tag="Users",
        operation_id="handOverUser",
    )
    return [Endpoint("/users/{id}/open-records", {"GET": asking}), Endpoint("/users/{id}/hand-over", {"POST": giving})]


async def count(call: Call) -> Answer:
    key = call.number("id", "User")
    return success(_named(await call.read(lambda session: handover.open_records(session, _find(session, key)))))


async def give(call: Call) -> Answer:
    """All or nothing; what each kind came to."""
    key, sent = call.number("id", "User"), await call.data()

    def work(session: Any) -> Answer:
        session.info["verb"] = "hand_over"
        user = _find(session, key, lock=True)
        done = handover.hand_over(session, user, **sent)
        return success({"handedOver": _named(done), "disabled": not user.status})

    return await call.write(work)


def _find(session: Any, key: int, *, lock: bool = False) -> User:
    """Also one who lies in the trash: what they leave behind can still be handed over."""
    user: User = access.find(session, User, key, trash="any", lock=lock)
    access.require_for(session, user, "hand_over")
    return user


def _named(counts: dict[Kind, int]) -> dict[str, int]:
    return {camel(str(kind)): counts.get(kind, 0) for kind in Kind}
