"""The shapes of a timeline: whose it is, what it is made of, and one thing that happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select

from crm.entity import name_of
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.opportunity import Opportunity

#: whose timelines there are
SUBJECTS: dict[type[Any], str] = {model: name_of(model) for model in (Customer, Contact, Opportunity)}


@dataclass(frozen=True, slots=True)
class Subject:
    """The record whose timeline is read: `customer`, `contact` or `opportunity`, and its number."""

    entity: str
    id: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.  `event` says more than `kind`: call, completed, stage, sent, churned, update.

    `id` is the number of the row it was read from; `record_type` and `record_id` name the record that it is about,
    where that is not the subject itself; `details` are ready for JSON.
    """

    id: int
    at: datetime
    event: str
    title: str = ""
    text: str = ""
    user_id: int | None = None
    user_name: str = ""
    record_type: str | None = None
    record_id: int | None = None
    record_name: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One select: `rows(subject)` without order and limit (None: nothing for such a subject), `at` its instant."""

    name: str
    kind: str
    model: type[Any]
    at: Any
    rows: Callable[[Subject], Select[Any] | None]
    entry: Callable[[Row[Any]], Entry]
