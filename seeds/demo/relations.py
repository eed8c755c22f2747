"""How the relation with each invented customer went: prospect, active after the first deal, and on to today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from random import Random

from crm.expressions import seconds
from crm.models.customer import CustomerStatus
from seeds.bulk import Row
from seeds.demo import words

#: what a customer was before it became what it is; `active` from the first won deal on
_WAY = {
    CustomerStatus.PROSPECT: (),
    CustomerStatus.ACTIVE: (CustomerStatus.ACTIVE,),
    CustomerStatus.AT_RISK: (CustomerStatus.ACTIVE, CustomerStatus.AT_RISK),
    CustomerStatus.DORMANT: (CustomerStatus.ACTIVE, CustomerStatus.DORMANT),
    CustomerStatus.CHURNED: (CustomerStatus.ACTIVE, CustomerStatus.AT_RISK, CustomerStatus.CHURNED),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A status, since when, and why."""

    status: CustomerStatus
    since: datetime
    reason: str = ""


def relation(firm: Row, bought: datetime | None, moment: datetime) -> list[Step]:
    """The steps up to the firm's status, the last one at most at `moment`; `bought`: when it first did."""
    random = Random(f"relation {firm['domain']} {firm['created_at']}")
    way = [status for status in _WAY[firm["status"]] if bought is not None or status is not CustomerStatus.ACTIVE]
    steps = [Step(CustomerStatus.PROSPECT, firm["created_at"])]
    for status in way:
        since = steps[-1].since
        if status is CustomerStatus.ACTIVE and bought is not None:
            since = max(since, bought)
        else:
            since += (moment - since) * random.uniform(0.3, 0.8)
        reason = random.choice(words.STATUS_REASONS[firm["language"]].get(status.value, ("",)))
        steps.append(Step(status, since, reason))
    return steps


def history(steps: Sequence[Step], customer_id: int, user_id: int | None) -> Iterator[Row]:
    """Rows of the history, as the flush would have written them."""
    common = {"customer_id": customer_id, "changed_by": user_id}
    yield common | _row(None, steps[0], None)
    for before, after in pairwise(steps):
        yield common | _row(before.status, after, max(0, seconds(before.since, after.since)))


def _row(before: CustomerStatus | None, after: Step, spent_s: int | None) -> Row:
    told = {"before": before, "after": after.status, "reason": after.reason}
    return told | {"seconds_in_status": spent_s, "created_at": after.since}
