"""Business verbs: `POST /api/opportunities/{id}/win` runs the function that `@operation` declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm import access, schemas
from crm.api.call import Call
from crm.api.conditions import expected_version
from crm.api.envelope import Answer
from crm.api.options import options_schema
from crm.entity import Operation, title_of
from crm.services import records


async def operate(call: Call, operation: Operation, answer: Callable[..., Answer]) -> Answer:
    """Find the record, check the permission for this very one, run the function, answer the record as it is now."""
    key = call.number("id", title_of(operation.model))
    expected = expected_version(call.header(b"if-match"))
    options = schemas.read(options_schema(operation), await call.json(empty=True))

    def work(session: Any) -> Answer:
        record = access.find(session, operation.model, key, lock=True)
        access.require_for(session, record, operation.verb)
        records.check_version(record, expected)
        session.info["verb"] = operation.verb
        operation.run(session, record, **options)
        records.flush(session, operation.model)
        return answer(session, record)

    return await call.write(work)
