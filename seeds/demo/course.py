"""How an invented deal went: the stages it passed through and when, until it closed or today came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from crm.models.stage import Stage
from seeds.demo.catalogue import Catalogue

_LOST_FROM = 0.17
_GOES_BACK = 0.06
_REOPENED = 0.04


@dataclass(frozen=True, slots=True)
class Step:
    """The entry into a stage."""

    stage: Stage
    at: datetime


def course(random: Random, catalogue: Catalogue, moment: datetime) -> list[Step]:
    """Steps in order of time, at least one; the deal was made within the two years before `moment`.

    More deals begin of late than long ago: business grows, and many are still open.
    """
    age = 730 * random.random() ** 1.5
    steps = [Step(catalogue.open_stages[0], _at_work(random, _no_weekend(moment - timedelta(days=age + 1))))]
    while (following := _following(random, catalogue, steps)) is not None:
        days = max(1.0, random.gammavariate(2, (steps[-1].stage.expected_days or 14) / 1.8))
        at = _at_work(random, steps[-1].at + timedelta(days=days))
        if at >= moment:
            break
        steps.append(Step(following, at))
    return steps


def _following(random: Random, catalogue: Catalogue, steps: list[Step]) -> Stage | None:
    """The stage after the last step; None where it ends."""
    stage, stages = steps[-1].stage, catalogue.open_stages
    if stage is catalogue.won:
        return None
    if stage is catalogue.lost:
        return stages[-1] if len(steps) < 9 and random.random() < _REOPENED else None
    place, chance = stages.index(stage), random.random()
    if chance < _LOST_FROM:
        return catalogue.lost
    if chance < _LOST_FROM + _GOES_BACK and place > 0:
        return stages[place - 1]
    return stages[place + 1] if place + 1 < len(stages) else catalogue.won


def _no_weekend(moment: datetime) -> datetime:
    """The Friday before a weekend: the first step must not come to lie after today."""
    return moment - timedelta(days=max(0, moment.weekday() - 4))


def _at_work(random: Random, moment: datetime) -> datetime:
    """A working hour (UTC) of that day, or of the Monday after a weekend."""
    day = moment + timedelta(days=7 - moment.weekday() if moment.weekday() >= 5 else 0)
    return day.replace(hour=random.randint(1, 15), minute=random.randint(0, 59), second=0, microsecond=0)
