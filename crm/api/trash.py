"""`GET /api/<plural>/{id}/dependents` tells what deleting would mean; `POST …/restore` takes out of the trash."""

from __future__ import annotations

from functools import partial
from typing import Any

from crm import access
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import COUNT, FLAG, NUMBER, TEXT, many, record
from crm.api.openapi_records import ONCE
from crm.api.resources import address
from crm.api.routing import Endpoint, Method
from crm.entity import entity_of, name_of, permission, title_of, titles_of
from crm.fields import models
from crm.services import consequences, records
from crm.services.consequences import Consequences
from crm.services.dependents import has_trash

_COUNTS = many(record(entity=TEXT, count=COUNT))
_DEPENDENTS = record(allowed=FLAG, goes=_COUNTS, stays=_COUNTS, refused=_COUNTS, others=COUNT)
#: entities whose records are found at another address than the rest
_ADDRESSES = {"attachment": "/files"}


def routes() -> list[Endpoint]:
    """For every entity that has a trash and may be deleted by people."""
    found = [model for model in models() if has_trash(model) and "delete" in entity_of(model).verbs]
    return [endpoint for model in found for endpoint in _of(model)]


def _of(model: type[Any]) -> list[Endpoint]:
    base, what = _ADDRESSES.get(name_of(model)) or address(model), title_of(model).lower()
    common: dict[str, Any] = {"access": permission(model, "delete") or "", "tag": titles_of(model)}
    asking = Method(
        partial(_dependents, model),
        summary=f"Count what goes to the trash with a {what}, and what stays.",
        data=_DEPENDENTS,
        errors=(401, 403, 404),
        operation_id=f"getDependentsOf{model.__name__}",
        **common,
    )
    restoring = Method(
        partial(_restore, model),
        summary=f"Take a {what} out of the trash, with all that went there along with it.",
        parameters=(ONCE,),
        data=record(id=NUMBER, along=COUNT),
        errors=(401, 403, 404, 409),
        operation_id=f"restore{model.__name__}",
        **common,
    )
    return [
        Endpoint(f"{base}/{{id}}/dependents", {"GET": asking}),
        Endpoint(f"{base}/{{id}}/restore", {"POST": restoring}),
    ]


async def _dependents(model: type[Any], call: Call) -> Answer:
    """Counts of what the caller may see, by entity; `others` counts what would go and may not be seen."""
    key = call.number("id", title_of(model))

    def work(session: Any) -> Consequences:
        access.require_for(session, access.find(session, model, key), "delete")
        return consequences.of_deleting(session, model, [key])

    found = await call.read(work)
    counts = {name: _listed(getattr(found, name)) for name in ("goes", "stays", "refused")}
    return success({"allowed": found.allowed, **counts, "others": found.others})


async def _restore(model: type[Any], call: Call) -> Answer:
    key = call.number("id", title_of(model))

    def work(session: Any) -> Answer:
        record = access.find(session, model, key, trash="only", lock=True)
        along = records.restore_many(session, [record])
        return success({"id": key, "along": along}, f"{title_of(model)} restored successfully")

    return await call.write(work)


def _listed(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"entity": name, "count": number} for name, number in counts.items()]
