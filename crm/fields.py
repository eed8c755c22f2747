"""What the surfaces know of an entity's fields: derived from the mapped columns, never declared twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, get_args, get_type_hints

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Date, Enum, Integer, String, Text, inspect
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import Mapper, RelationshipProperty
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from crm.columns import Fixed, Fraction, Instant, Money, Quantity
from crm.entity import REGISTRY, entity_of, name_of
from crm.names import camel, words


class Kind(StrEnum):
    """What a value is; each surface has one way for each kind."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    CURRENCY = "currency"
    TIMEZONE = "timezone"
    INTEGER = "integer"
    MONEY = "money"
    FRACTION = "fraction"
    QUANTITY = "quantity"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choice"
    DOCUMENT = "document"
    REFERENCE = "reference"
    REFERENCES = "references"


_BY_NAME = {
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
    "mobile": Kind.PHONE,
    "website": Kind.URL,
    "currency": Kind.CURRENCY,
    "timezone": Kind.TIMEZONE,
}
_FIXED: dict[type[Fixed], Kind] = {Money: Kind.MONEY, Fraction: Kind.FRACTION, Quantity: Kind.QUANTITY}
#: columns that are kept for the machinery and shown nowhere
INTERNAL = frozenset({"search_text", "deleted_at", "deleted_with", "seconds_before_hold"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one entity.

    `name` is the attribute (`customer_id`, `tags`), `json` its spelling in the API (`customerId`, `tagIds`);
    `relation` the attribute that holds the related record(s) and `target` their entity's name; `digits` of a number
    with decimals are (how many in all, how many of them decimals), `bits` of a whole number 32 or 64.
    """

    name: str
    json: str
    kind: Kind
    doc: str
    nullable: bool
    required: bool
    default: Any = None
    max_length: int | None = None
    choices: type[StrEnum] | None = None
    relation: str | None = None
    target: str | None = None
    digits: tuple[int, int] = (0, 0)
    bits: int = 32
    #: computed whenever it is read: a hybrid property of the model
    computed: bool = False
    #: what it is called, where its name alone would mean something else to people
    title: str = ""

    @property
    def label(self) -> str:
        """`Expected close date`: the English label, and the message id of its translation."""
        return self.title or words(self.name)


_known: dict[type[Any], dict[str, Field]] = {}


def fields_of(model: type[Any]) -> dict[str, Field]:
    """Every field that may be shown, by attribute name, in the order of the columns; to-many relations last."""
    if model not in _known:
        _known[model] = _derive(model)
    return _known[model]


def _derive(model: type[Any]) -> dict[str, Field]:
    mapper: Mapper[Any] = inspect(model)
    secret = {*entity_of(model).secret, *INTERNAL}
    relations = _relations_by_column(mapper)
    found = {c.key: _column_field(c, relations.get(c.key)) for c in mapper.columns if c.key not in secret}
    found |= {name: _computed_field(model, name) for name in _hybrids(mapper)}
    wanted = {*entity_of(model).form, *entity_of(model).list}
    for relation in mapper.relationships:
        if relation.uselist and relation.key in wanted and relation.key not in secret:
            found[relation.key] = _many_field(relation)
    return found


def _hybrids(mapper: Mapper[Any]) -> list[str]:
    """Names of hybrid properties; one that begins with _ is the SQL side of another."""
    kind, made = HybridExtensionType.HYBRID_PROPERTY, mapper.all_orm_descriptors.items()
    return [name for name, attribute in made if attribute.extension_type is kind and not name.startswith("_")]


def _computed_field(model: type[Any], name: str) -> Field:
    """Typed by its SQL, described by its docstring; nullable where the Python side says `| None`."""
    hybrid: Any = inspect(model).all_orm_descriptors[name]
    nullable = type(None) in get_args(get_type_hints(hybrid.fget)["return"])
    column: Column[Any] = Column(name, expression_of(model, name).type, nullable=nullable, doc=hybrid.fget.__doc__)
    return replace(_column_field(column, None), required=False, computed=True)


def expression_of(model: type[Any], name: str) -> ColumnElement[Any]:
    """The SQL of a computed field, over the plain columns of the model's table."""
    hybrid: Any = inspect(model).all_orm_descriptors[name]
    made: ColumnElement[Any] = hybrid.expr(model)
    return made


def field_of(model: type[Any], name: str) -> Field:
    return fields_of(model)[name]


def writable(model: type[Any]) -> tuple[Field, ...]:
    """The fields people may write, in the order of the form."""
    fields = fields_of(model)
    return tuple(fields[name] for name in entity_of(model).form)


def related(model: type[Any], field: Field) -> type[Any]:
    """The class a reference points at."""
    found: type[Any] = inspect(model).relationships[field.relation].mapper.class_
    return found


def is_tree(field: Field) -> bool:
    """Whether the field points at a node of a tree, whose `path` tells what lies below."""
    return field.kind is Kind.REFERENCE and "path" in inspect(REGISTRY[str(field.target)]).columns


def label_column(model: type[Any]) -> Column[Any]:
    """The column that names a record of `model`."""
    column: Column[Any] = inspect(model).columns[entity_of(model).label]
    return column


def _relations_by_column(mapper: Mapper[Any]) -> dict[str, RelationshipProperty[Any]]:
    """to-one relations, keyed by the foreign-key column they stand on"""
    single = (r for r in mapper.relationships if not r.uselist)
    return {column.key: r for r in single for column in r.local_columns if column.key}


def _column_field(column: Column[Any], relation: RelationshipProperty[Any] | None) -> Field:
    kind = Kind.REFERENCE if relation is not None else _kind(column)
    default = column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None
    enum = column.type.enum_class if isinstance(column.type, Enum) else None
    return Field(
        name=column.key,
        json=camel(column.key),
        kind=kind,
        doc=column.doc or "",
        nullable=bool(column.nullable),
        required=not column.nullable and column.default is None and not column.primary_key,
        default=default,
        max_length=column.type.length if isinstance(column.type, String) and kind is not Kind.CHOICE else None,
        choices=enum,  # type: ignore[arg-type]
        relation=relation.key if relation is not None else None,
        target=name_of(relation.mapper.class_) if relation is not None else None,
        digits=(column.type.precision, column.type.scale) if isinstance(column.type, Fixed) else (0, 0),
        bits=64 if isinstance(column.type, BigInteger) else 32,
        title=column.info.get("title", ""),
    )


def _many_field(relation: RelationshipProperty[Any]) -> Field:
    target = name_of(relation.mapper.class_)
    return Field(
        name=relation.key,
        json=f"{camel(_singular(relation.key))}Ids",
        kind=Kind.REFERENCES,
        doc=relation.doc or f"{words(relation.key)}, by number.",
        nullable=False,
        required=False,
        relation=relation.key,
        target=target,
    )


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def _kind(column: Column[Any]) -> Kind:
    if isinstance(column.type, Enum):
        return Kind.CHOICE
    if isinstance(column.type, Fixed):
        return _FIXED[type(column.type)]
    if isinstance(column.type, String):
        long = isinstance(column.type, Text) or (column.type.length or 0) >= 1000
        said = column.info.get("kind") or _BY_NAME.get(column.key)  # its own word, where its name does not tell
        return Kind(said) if said else Kind.LONG_TEXT if long else Kind.TEXT
    for base, kind in (
        (Instant, Kind.INSTANT),
        (Boolean, Kind.BOOLEAN),
        (Date, Kind.DATE),
        (Integer, Kind.INTEGER),
    ):
        if isinstance(column.type, base):
            return kind
    return Kind.DOCUMENT


def python_type(field: Field) -> Any:
    """What a value of this field is in Python."""
    if field.choices is not None:
        return field.choices
    return {
        Kind.INTEGER: int,
        Kind.REFERENCE: int,
        Kind.BOOLEAN: bool,
        Kind.DATE: date,
        Kind.INSTANT: datetime,
    }.get(field.kind, str)


def models() -> list[type[Any]]:
    """Every entity's class, in a steady order."""
    return [REGISTRY[name] for name in sorted(REGISTRY)]
