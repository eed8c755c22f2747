"""What demo records refer to: pipeline, lost reasons, industries, products, tags, groups."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.errors import Conflict
from crm.models.category import Category
from crm.models.category_type import CategoryType
from crm.models.contact_group import ContactGroup
from crm.models.lost_reason import LostReason
from crm.models.product import Product
from crm.models.stage import Stage, StageCategory
from crm.models.tag import Tag
from crm.services.opportunities import default_pipeline
from seeds.demo.words import GROUPS, PRODUCTS, TAGS


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Stages are in order; reasons are (number, needs a note); products have a price."""

    pipeline_id: int
    open_stages: tuple[Stage, ...]
    won: Stage
    lost: Stage
    reasons: tuple[tuple[int, bool], ...]
    industries: tuple[int, ...]
    tags: tuple[int, ...]
    groups: tuple[int, ...]
    products: tuple[Product, ...]


def load_catalogue(session: Session) -> Catalogue:
    """Use what the initial data has, make the rest where it is not there yet."""
    pipeline = default_pipeline(session)
    if pipeline is None:
        raise Conflict("Demo data needs the initial data first: run crm seed")
    found = select(Stage).where(Stage.pipeline_id == pipeline.id).order_by(Stage.position, Stage.id)
    stages: dict[StageCategory, list[Stage]] = {kind: [] for kind in StageCategory}
    for stage in session.scalars(found):
        stages[stage.category].append(stage)
    if not (stages[StageCategory.OPEN] and stages[StageCategory.WON] and stages[StageCategory.LOST]):
        raise Conflict("Demo data needs a default pipeline with open, won and lost stages")
    products = _products(session)
    return Catalogue(
        pipeline_id=pipeline.id,
        open_stages=tuple(stages[StageCategory.OPEN]),
        won=stages[StageCategory.WON][0],
        lost=stages[StageCategory.LOST][0],
        reasons=_reasons(session),
        industries=_industries(session),
        tags=_named(session, Tag, TAGS, "colour"),
        groups=_named(session, ContactGroup, GROUPS, "description"),
        products=products,
    )


def _products(session: Session) -> tuple[Product, ...]:
    """Those of the demo that are for sale, by article number."""
    there = set(session.scalars(select(Product.code)))
    session.add_all(
        Product(code=code, name=name, unit_price=Decimal(price), currency=currency)
        for code, name, price, currency in PRODUCTS
        if code not in there
    )
    session.flush()
    codes = [code for code, *_ in PRODUCTS]
    found = select(Product).where(Product.code.in_(codes), Product.active, Product.unit_price.is_not(None))
    return tuple(session.scalars(found.order_by(Product.code)))


def _reasons(session: Session) -> tuple[tuple[int, bool], ...]:
    chosen = select(LostReason.id, LostReason.requires_note).where(LostReason.active, LostReason.name != "Not recorded")
    rows = session.execute(chosen.order_by(LostReason.id)).all()
    if not rows:
        raise Conflict("Demo data needs a lost reason")
    return tuple(rows)


def _industries(session: Session) -> tuple[int, ...]:
    found = select(Category.id).join(CategoryType, CategoryType.id == Category.type_id)
    return tuple(session.scalars(found.where(CategoryType.code == "industry").order_by(Category.id)))


def _named(session: Session, model: type[Any], wanted: tuple[tuple[str, str], ...], second: str) -> tuple[int, ...]:
    """Numbers of tags or groups by name, made where they are not there."""
    there = {record.name: record for record in session.scalars(select(model))}
    for name, value in wanted:
        if name not in there:
            there[name] = model(name=name, **{second: value})
            session.add(there[name])
    session.flush()
    return tuple(there[name].id for name, _ in wanted)
