"""Column types that read and write alike on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

#: 64-bit keys; SQLite numbers its rows only in a column declared INTEGER
Key = BigInteger().with_variant(Integer(), "sqlite")
Document = JSON().with_variant(JSONB(), "postgresql")


class Fixed(TypeDecorator[Decimal]):
    """A number with a fixed count of decimals: NUMERIC on PostgreSQL, a scaled integer on SQLite, whose NUMERIC is a
    float (…99.99 comes back as …99.98).  Halves are rounded away from zero on both.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        self.precision, self.scale = precision, scale
        super().__init__(precision, scale)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = BigInteger() if dialect.name == "sqlite" else Numeric(self.precision, self.scale)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        rounded = Decimal(value).quantize(Decimal(1).scaleb(-self.scale), ROUND_HALF_UP)
        return int(rounded.scaleb(self.scale)) if dialect.name == "sqlite" else rounded

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return Decimal(value).scaleb(-self.scale) if dialect.name == "sqlite" else Decimal(value)


class Money(Fixed):
    """An amount with two decimals, sixteen digits before the point; its currency stands beside it."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(18, 2)


class Fraction(Fixed):
    """A share from 0 to 1 with four decimals, such as a probability."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(5, 4)


class Quantity(Fixed):
    """How many of something, with three decimals: hours, kilograms, pieces."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(15, 3)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: timestamptz on PostgreSQL, UTC text on SQLite; always an aware datetime in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def choice(kind: type[StrEnum]) -> Enum:
    """A StrEnum stored by value in a VARCHAR(32): adding a member needs no migration."""
    return Enum(
        kind, native_enum=False, length=32, values_callable=lambda e: [str(m) for m in e], validate_strings=True
    )


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def filled_by_rule() -> None:
    """Default of a column that may be left out of the input because a rule of its service fills it."""
