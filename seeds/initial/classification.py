"""Two category types with a few categories: industries (a tree) and sources."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.base import Base
from crm.models.category import Category
from crm.models.category_type import CategoryType

Tree = dict[str, tuple[str, ...]]
Made = TypeVar("Made", bound=Base)

TYPES: Tree = {"Industry": (), "Source": ()}
INDUSTRIES: Tree = {
    "Information technology": ("Software", "Hardware", "Internet services"),
    "Manufacturing": ("Machinery", "Automotive", "Electronics"),
    "Finance": ("Banking", "Insurance"),
    "Health care": ("Hospitals", "Pharmaceuticals", "Medical devices"),
    "Retail and trade": ("E-commerce", "Wholesale"),
    "Services": ("Consulting", "Marketing", "Logistics"),
    "Education": (),
    "Construction and real estate": (),
    "Energy": (),
    "Public sector": (),
    "Other": (),
}
SOURCES: Tree = {
    "Website": (),
    "Referral": (),
    "Event": ("Trade fair", "Webinar"),
    "Advertising": (),
    "Cold call": (),
    "Partner": (),
    "Other": (),
}


def load(session: Session) -> None:
    """Into an empty table only: what people deleted or renamed does not come back."""
    if session.scalar(select(CategoryType.id).limit(1), execution_options={"trash": "any"}) is not None:
        return
    industry = CategoryType(name="Industry", code="industry", description="What a customer does.")
    source = CategoryType(name="Source", code="source", description="Where a customer or a deal came from.")
    _add(session, [industry, source])
    for kind, tree in ((industry, INDUSTRIES), (source, SOURCES)):
        roots = _add(session, [_category(kind.id, name, place) for place, name in enumerate(tree, 1)])
        for root, below in zip(roots, tree.values(), strict=True):
            _add(session, [_category(kind.id, name, place, root.id) for place, name in enumerate(below, 1)])


def _add(session: Session, made: list[Made]) -> list[Made]:
    session.add_all(made)
    session.flush()
    return made


def _category(type_id: int, name: str, place: int, parent_id: int | None = None) -> Category:
    code = name.lower().replace(" ", "-")
    return Category(name=name, code=code, type_id=type_id, sort=place * 10, parent_id=parent_id)
