"""Invented deals and their histories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

from crm.models.opportunity import Opportunity, OpportunityType
from crm.models.opportunity_history import OpportunityChange
from crm.models.stage import StageCategory
from crm.services.opportunity_history import money_text
from seeds.bulk import Row, search_words
from seeds.demo import lines, words
from seeds.demo.catalogue import Catalogue
from seeds.demo.course import Step, course

_TYPES = (*(OpportunityType.NEW,) * 5, OpportunityType.RENEWAL, OpportunityType.UPSELL, OpportunityType.CROSS_SELL)
_CLOSED = (StageCategory.WON, StageCategory.LOST)
_PROPOSAL = 2
_SPELLED_OUT = 1 / 3


@dataclass(frozen=True, slots=True)
class Worth:
    """What a deal was worth from a moment on."""

    amount: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """A deal's row and what its history tells; `closings` are the expected days of closing with their moments.

    The lines were written down when the deal was given its last worth.
    """

    row: Row
    steps: list[Step]
    worths: list[Worth]
    closings: list[tuple[date, datetime]]
    lines: list[Row]

    @property
    def is_won(self) -> bool:
        return self.steps[-1].stage.category is StageCategory.WON


def deal(random: Random, company: Row, catalogue: Catalogue, moment: datetime) -> Story:
    """A deal of `company`; customer and contact are added when their numbers are known."""
    steps = course(random, catalogue, moment)
    worths, closings = _worths(random, steps, company["currency"]), _closings(random, steps)
    sold = _lines(random, catalogue, worths, company["currency"])
    first, last = steps[0], steps[-1]
    language, is_closed = company["language"], last.stage.category in _CLOSED
    row: Row = {
        "name": f"{company['name']} · {random.choice(words.SUBJECTS[language])}",
        "pipeline_id": catalogue.pipeline_id,
        "stage_id": last.stage.id,
        "amount": worths[-1].amount,
        "amount_by_hand": worths[-1].amount is not None and not sold,
        "currency": company["currency"],
        "probability_override": Decimal("0.6") if not is_closed and random.random() < 0.05 else None,
        "expected_close_date": closings[-1][0],
        "closed_at": last.at if is_closed else None,
        "type": random.choice(_TYPES),
        "source": company["source"],
        "next_step": "" if is_closed else random.choice(words.NEXT_STEPS[language]),
        "next_step_date": None if is_closed else (moment + timedelta(days=random.randint(-5, 20))).date(),
        "stage_entered_at": last.at,
        "last_activity_at": last.at,
        "owner_id": company["owner_id"],
        "team_id": company["team_id"],
        "created_at": first.at,
        "updated_at": last.at,
        "version": len(steps),
    }
    row |= _loss(random, language, catalogue) if last.stage is catalogue.lost else _NO_LOSS
    return Story(row | {"search_text": search_words(Opportunity, row)}, steps, worths, closings, sold)


def _lines(random: Random, catalogue: Catalogue, worths: list[Worth], currency: str) -> list[Row]:
    """Every third deal whose worth is known says what is sold; its last worth is what the lines come to."""
    if worths[-1].amount is None or random.random() > _SPELLED_OUT:
        return []
    sold = lines.sold(random, catalogue.products, currency)
    if sold:
        worths[-1] = Worth(lines.worth(sold), worths[-1].at)
    return sold


_NO_LOSS: Row = {"lost_reason_id": None, "lost_notes": ""}


def _loss(random: Random, language: str, catalogue: Catalogue) -> Row:
    number, needs_note = random.choice(catalogue.reasons)
    return {"lost_reason_id": number, "lost_notes": random.choice(words.LOST_NOTES[language]) if needs_note else ""}


def _worths(random: Random, steps: list[Step], currency: str) -> list[Worth]:
    """The first amount, if there is one, and what became of it; a won deal has one in the end."""
    scale = 7 if currency == "CNY" else 1
    amount = Decimal(max(2, int(random.lognormvariate(4.6, 0.9)))) * 100 * scale
    known = random.random() > 0.12
    found = [Worth(amount if known else None, steps[0].at)]
    for place, step in enumerate(steps[1:], 1):
        wins = step.stage.category is StageCategory.WON
        if step.stage.category is StageCategory.LOST:
            continue
        if found[-1].amount is None and (wins or place >= _PROPOSAL):
            found.append(Worth(amount, step.at))
        elif place >= _PROPOSAL and random.random() < 0.2:
            amount = (amount * random.randint(75, 130) / 100).quantize(Decimal(10))
            found.append(Worth(amount, step.at))
    return found


def _closings(random: Random, steps: list[Step]) -> list[tuple[date, datetime]]:
    """The first expectation, and each time it was pushed: never kept before the step it was pushed at."""
    found = [((steps[0].at + timedelta(days=random.randint(40, 90))).date(), steps[0].at)]
    for step in steps[1:]:
        late = found[-1][0] < step.at.date() + timedelta(days=7)
        if step.stage.category not in _CLOSED and ((late and random.random() < 0.7) or random.random() < 0.1):
            found.append(((step.at + timedelta(days=random.randint(14, 45))).date(), step.at))
    return found


def history(story: Story, number: int) -> Iterator[Row]:
    """The rows of the deal `number`, in order of time."""
    rows = [*_stages(story.steps), *_amounts(story), *_pushes(story)]
    rows.sort(key=lambda row: row["created_at"])  # stable: the stage comes first, as the services write it
    common = {"opportunity_id": number, "changed_by": story.row["owner_id"]}
    common |= dict.fromkeys(("before", "after", "from_stage_id", "to_stage_id", "seconds_in_stage"))
    yield from (common | row for row in rows)


def _stages(steps: list[Step]) -> Iterator[Row]:
    first = steps[0]
    entry = {"change": OpportunityChange.CREATED, "created_at": first.at, "after": first.stage.name}
    yield entry | {"to_stage_id": first.stage.id}
    for left, entered in pairwise(steps):
        change = OpportunityChange.STAGE
        if entered.stage.category in _CLOSED:
            change = OpportunityChange.CLOSED
        elif left.stage.category in _CLOSED:
            change = OpportunityChange.REOPENED
        yield {
            "change": change,
            "created_at": entered.at,
            "before": left.stage.name,
            "after": entered.stage.name,
            "from_stage_id": left.stage.id,
            "to_stage_id": entered.stage.id,
            "seconds_in_stage": int((entered.at - left.at).total_seconds()),
        }


def _amounts(story: Story) -> Iterator[Row]:
    currency = story.row["currency"]
    for old, new in pairwise(story.worths):
        if old.amount == new.amount:
            continue
        texts = {"before": money_text(old.amount, currency), "after": money_text(new.amount, currency)}
        yield {"change": OpportunityChange.AMOUNT, "created_at": new.at, **texts}


def _pushes(story: Story) -> Iterator[Row]:
    for (old, _), (new, at) in pairwise(story.closings):
        texts = {"before": old.isoformat(), "after": new.isoformat()}
        yield {"change": OpportunityChange.CLOSE_DATE, "created_at": at, **texts}
