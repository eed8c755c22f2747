"""`POST /api/contact-groups/{id}/members`: contacts into a group and out of it, all of them or none."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from crm import access
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import COUNT, record
from crm.api.openapi_records import ONCE
from crm.api.routing import Endpoint, Method
from crm.entity import permission, title_of, titles_of
from crm.models.contact import Contact
from crm.models.contact_group import ContactGroup
from crm.schemas import LARGEST_KEY, Input
from crm.services import contact_groups

Keys = Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_KEY)]], Field(max_length=1000)]


class Members(Input):
    """Who comes and who goes."""

    add: Annotated[Keys, Field(description="Numbers of the contacts to add.")] = []
    remove: Annotated[Keys, Field(description="Numbers of the contacts to take out.")] = []


def routes() -> list[Endpoint]:
    described = Method(
        members,
        permission(Contact, "update") or "",
        "Add contacts to a group, and take others out of it: all or nothing.",
        body=Members,
        parameters=(ONCE,),
        data=record(added=COUNT, removed=COUNT),
        errors=(400, 404, 409, 412, 413, 415),
        tag=titles_of(ContactGroup),
        operation_id="changeMembersOfContactGroup",
    )
    return [Endpoint("/contact-groups/{id}/members", {"POST": described})]


async def members(call: Call) -> Answer:
    """How many were added, and how many taken out; those who were there already do not count."""
    key, sent = call.number("id", title_of(ContactGroup)), await call.data()

    def work(session: Any) -> Answer:
        access.require(call.actor, permission(ContactGroup, "view"))
        group = access.find(session, ContactGroup, key)
        added = contact_groups.add_members(session, group, sent.get("add", []))
        removed = contact_groups.remove_members(session, group, sent.get("remove", []))
        return success({"added": added, "removed": removed})

    return await call.write(work)
