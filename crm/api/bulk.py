"""`POST /api/<plural>/bulk`: up to 1,000 changes in one transaction, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from crm import access
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.written import record_data
from crm.entity import entity_of, permission
from crm.errors import BadInput
from crm.services.bulk import Changes, apply, read_changes

Rows = list[dict[str, Any]]
Tell = Callable[[Session, Rows], None]


async def bulk(call: Call, model: type[Any], tell: Tell) -> Answer:
    """Answers `{created, updated, deleted}`: records as GET shows them, and numbers of what was deleted.

    `tell` adds to their rows what GET shows beside the fields.
    """
    sent = await call.json()
    for verb in entity_of(model).verbs:  # before anything is said of what the rows lack
        if sent.get(verb):
            access.require(call.actor, permission(model, verb))
    changes = read_changes(model, sent)
    try:
        return await call.write(lambda session: _done(session, model, changes, tell, each=False))
    except BadInput:  # once more, row by row, to name every row that is wrong; nothing of it is kept
        return await call.write(lambda session: _done(session, model, changes, tell, each=True))


def _done(session: Session, model: type[Any], changes: Changes, tell: Tell, *, each: bool) -> Answer:
    created, updated, deleted = apply(session, model, changes, each=each)
    made = [record_data(session, record, new=True) for record in created]
    changed = [record_data(session, record) for record in updated]
    tell(session, [*made, *changed])
    return success({"created": made, "updated": changed, "deleted": deleted})
