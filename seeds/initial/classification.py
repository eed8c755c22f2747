"""Two category types with a few categories: industries (a tree) and sources."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.category import Category
from crm.models.category_type import CategoryType
from crm.services import records

Tree = dict[str, tuple[str, ...]]

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
    _type(session, "Industry", "industry", "What a customer does.", INDUSTRIES)
    _type(session, "Source", "source", "Where a customer or a deal came from.", SOURCES)


def _type(session: Session, name: str, code: str, description: str, tree: Tree) -> None:
    kind = records.create(session, CategoryType, {"name": name, "code": code, "description": description})
    for place, (root, below) in enumerate(tree.items(), 1):
        top = _category(session, kind.id, root, place)
        for lower, child in enumerate(below, 1):
            _category(session, kind.id, child, lower, parent_id=top.id)


def _category(session: Session, type_id: int, name: str, place: int, *, parent_id: int | None = None) -> Category:
    code = name.lower().replace(" ", "-")
    values = {"name": name, "code": code, "type_id": type_id, "sort": place * 10, "parent_id": parent_id}
    made: Category = records.create(session, Category, values)
    return made
