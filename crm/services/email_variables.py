"""What a mail template may say of a record: plain values, named after the fields of the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import formats
from crm.db import actor_of
from crm.entity import REGISTRY, entity_of, name_of
from crm.fields import Field, Kind, fields_of, related
from crm.i18n import gettext, using
from crm.mail.message import sender_of
from crm.models.contact import Contact
from crm.models.opportunity import Opportunity
from crm.models.opportunity_line import OpportunityLine
from crm.models.user import User
from crm.names import words
from crm.settings import Settings

#: kinds of record a template can be about; each knows the person written to and their company as well
ABOUT = ("contact", "customer", "opportunity", "task")
_EVERY = ("contact", "customer")
#: kept for the machinery, or what colleagues tell each other
_UNTOLD = frozenset(
    {"version", "created_by", "created_at", "updated_at", "external_id", "notes", "lost_notes", "path"}
    | {"record_type", "record_id", "do_not_contact", "deleted_with", "series_id", "occurrence"}
    | {"rating", "status_reason", "status_since", "annual_revenue", "lost_reason_id", "amount_by_hand"}
    | {"probability", "probability_override", "weighted_amount", "forecast_category_override", "pipeline_id"}
    | {"age_days", "overdue", "stale", "last_activity_at", "stage_entered_at"}
)
_LINE = ("name", "product", "quantity", "unit_price", "discount", "total")
_SENDER = ("name", "email")
_COMPANY = ("name", "website")


def known(about: str) -> dict[str, Any]:
    """The names a template about such records may use; see `crm.mail.sandbox.Known`."""
    made: dict[str, Any] = {name: dict.fromkeys(_names(name)) for name in _groups(about)}
    if about == name_of(Opportunity):
        made[about]["lines"] = [dict.fromkeys(_LINE)]
    return made | {"sender": dict.fromkeys(_SENDER), "company": dict.fromkeys(_COMPANY), "today": None}


def _groups(about: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((about, *_EVERY)))


def _fields(entity: str) -> Iterator[tuple[str, Field]]:
    """(name in templates, field): a reference goes by its relation, `customer` for `customer_id`."""
    for field in fields_of(REGISTRY[entity]).values():
        if field.name not in _UNTOLD and field.kind not in (Kind.REFERENCES, Kind.DOCUMENT):
            yield field.relation or field.name, field


def _names(entity: str) -> list[str]:
    return [name for name, _ in _fields(entity)]


# ---------------------------------------------------------------------------------------------- of a record


def values(session: Session, settings: Settings, *, about: str, record: Any, contact: Contact | None) -> dict[str, Any]:
    """What `known(about)` names, of this record and this recipient, as far as the actor sees it."""
    found: dict[str, Any] = {name_of(type(record)): record} if record is not None else {}
    if contact is not None:
        found["contact"] = contact
    if found.get("customer") is None:
        found["customer"] = getattr(record, "customer", None) or getattr(contact, "customer", None)
    made: dict[str, Any] = {name: _told(name, found.get(name)) for name in _groups(about)}
    if about == name_of(Opportunity):
        made[about]["lines"] = _lines(session, found.get(about))
    return made | {"sender": _sender(session), "company": _company(settings), "today": formats.today()}


def _told(entity: str, record: Any) -> dict[str, Any]:
    return {name: _value(record, name, field) for name, field in _fields(entity)}


def _value(record: Any, name: str, field: Field) -> Any:
    value = getattr(record, name, None)
    if value is None or field.kind is not Kind.REFERENCE:
        return value
    label: Any = getattr(value, entity_of(related(type(record), field)).label)
    return (value.name or label) if isinstance(value, User) else label


def _lines(session: Session, deal: Opportunity | None) -> list[dict[str, Any]]:
    if deal is None:
        return []
    wanted = select(OpportunityLine).where(OpportunityLine.opportunity_id == deal.id)
    rows = session.scalars(wanted.order_by(OpportunityLine.position, OpportunityLine.id).limit(200))
    return [{n: getattr(row, n) for n in _LINE} | {"product": row.product.name if row.product else ""} for row in rows]


def _sender(session: Session) -> dict[str, Any]:
    user_id = actor_of(session).user_id
    mine = select(User.name, User.username, User.email).where(User.id == user_id)
    row = session.execute(mine, execution_options={"unscoped": True}).one_or_none()
    return {"name": (row.name or row.username) if row else "", "email": row.email if row else ""}


def _company(settings: Settings) -> dict[str, Any]:
    """Ours: the name in MAIL_FROM, and PUBLIC_URL."""
    return {"name": sender_of(settings).display_name, "website": settings.public_url}


# ---------------------------------------------------------------------------------------------- samples

_SAMPLES: Mapping[str, tuple[Any, Any]] = {
    "contact.name": ("Maria Weber", "王芳"),
    "contact.job_title": ("Head of purchasing", "采购总监"),
    "contact.customer": ("Example Ltd", "示例科技有限公司"),
    "customer.name": ("Example Ltd", "示例科技有限公司"),
    "opportunity.name": ("40 licences", "40 套软件许可"),
    "opportunity.customer": ("Example Ltd", "示例科技有限公司"),
    "opportunity.contact": ("Maria Weber", "王芳"),
    "task.title": ("Demonstration", "产品演示"),
}
_SAMPLE_COMPANY = {"name": "CRM", "website": "https://crm.example.com"}
#: quantity, unit price, discount, total
_PRICES = (Decimal(40), Decimal("3125.00"), Decimal(0), Decimal("125000.00"))
_BY_KIND: dict[Kind, Any] = {
    Kind.EMAIL: "maria.weber@example.com",
    Kind.PHONE: "+86 138 0013 8000",
    Kind.URL: "https://www.example.com",
    Kind.CURRENCY: "CNY",
    Kind.TIMEZONE: "Asia/Shanghai",
    Kind.MONEY: Decimal("125000.00"),
    Kind.FRACTION: Decimal("0.2"),
    Kind.QUANTITY: Decimal(40),
    Kind.INTEGER: 42,
    Kind.BOOLEAN: True,
    Kind.DATE: date(2026, 11, 30),
    Kind.INSTANT: datetime(2026, 11, 30, 9, 0, tzinfo=UTC),
}


def sample(session: Session, *, about: str, language: str) -> dict[str, Any]:
    """Invented values for everything a template about such records may use; the sender is the actor."""
    made: dict[str, Any] = {}
    with using(language):
        for name in _groups(about):
            made[name] = {key: _sample(name, key, field, language) for key, field in _fields(name)}
        if about == name_of(Opportunity):
            product = gettext("Product")
            made[about]["lines"] = [dict(zip(_LINE, (product, product, *_PRICES), strict=True))]
    return {**made, "sender": _sender(session), "company": _SAMPLE_COMPANY, "today": date(2026, 11, 30)}


def _sample(entity: str, key: str, field: Field, language: str) -> Any:
    special = _SAMPLES.get(f"{entity}.{key}")
    if special is not None:
        return special[1 if language == "zh" else 0]
    if field.choices is not None:
        return field.default or next(iter(field.choices))
    if field.name == "id":
        return 1
    return _BY_KIND.get(field.kind, gettext(words(field.name)))


def empty(about: str) -> dict[str, Any]:
    """Nothing known at all: a template must stand that as well."""
    made: dict[str, Any] = {name: dict.fromkeys(_names(name)) for name in _groups(about)}
    if about == name_of(Opportunity):
        made[about]["lines"] = []
    return made | {"sender": dict.fromkeys(_SENDER, ""), "company": _SAMPLE_COMPANY, "today": date(2026, 11, 30)}
