"""Category types: one may only go when nothing is classified by it any more."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.errors import BadInput
from crm.models.category import Category
from crm.models.category_type import CategoryType
from crm.services import records


@records.guard_delete(CategoryType)
def _must_be_empty(session: Session, kind: CategoryType) -> None:
    if session.scalar(select(Category.id).where(Category.type_id == kind.id).limit(1)) is not None:
        raise BadInput("Cannot delete category type with associated categories")
