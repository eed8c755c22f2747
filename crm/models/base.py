"""What all stored things share: keys, times, version, owner, trash, search text; and the registry entry of each."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    DDL,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from crm.columns import Instant, Key, Money, now
from crm.entity import REGISTRY
from crm.search_text import search_ddl

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
LIVE = text("deleted_at IS NULL")
TRASHED = text("deleted_at IS NOT NULL")
WENT_ALONG = text("deleted_with IS NOT NULL")


class Base(DeclarativeBase):
    """Every table; a class with `__entity__` joins the registry."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: Instant(),
        date: Date(),
        Decimal: Money(),
        bool: Boolean(),
        int: Integer(),
        str: String(200),
    }

    id: Mapped[int] = mapped_column(Key, primary_key=True, sort_order=-10, doc="Number of the record.")

    def __init_subclass__(cls, **kw: Any) -> None:
        super().__init_subclass__(**kw)
        if cls.__dict__.get("__abstract__"):
            return
        # the number of a purged record is never given again: its audit would stick to another one
        cls.__table__.dialect_options["sqlite"]["autoincrement"] = True  # type: ignore[attr-defined]
        _add_indexes(cls.__table__)  # type: ignore[arg-type]
        if "__entity__" in cls.__dict__:
            REGISTRY[cls.__tablename__] = cls
            _add_owner_index(cls.__table__, cls.__dict__["__entity__"].owner)  # type: ignore[arg-type]


class Stamped(Base):
    """Base of rows that are written once: `created_at`."""

    __abstract__ = True
    created_at: Mapped[datetime] = mapped_column(default=now, index=True, sort_order=90, doc="When it was made.")


class Record(Stamped):
    """Base of what people edit: who made it and when, and the version that guards against lost updates."""

    __abstract__ = True
    updated_at: Mapped[datetime] = mapped_column(default=now, index=True, sort_order=91, doc="Last change.")
    version: Mapped[int] = mapped_column(sort_order=93, doc="Grows with every change; the ETag.")

    @declared_attr
    def created_by(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("user.id"), sort_order=92, doc="User who made it; empty: the system.")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.version}


class Trashable:
    """Deleting moves to the trash: `deleted_at` is set, and the row is no longer seen."""

    deleted_at: Mapped[datetime | None] = mapped_column(sort_order=94, doc="When it was moved to the trash.")
    deleted_with: Mapped[str | None] = mapped_column(
        String(60), sort_order=95, doc="Record it went to the trash with, such as customer:42; empty: on its own."
    )


class Searchable:
    """The words of the entity's `search` fields, kept by `services.records`."""

    search_text: Mapped[str] = mapped_column(Text, default="", sort_order=99, doc="Words for the search index.")


class Linked:
    """Points at any record by entity name and number, as tasks, reminders, files and mail do."""

    record_type: Mapped[str | None] = mapped_column(String(32), sort_order=70, doc="Kind of the linked record.")
    record_id: Mapped[int | None] = mapped_column(Key, index=True, sort_order=71, doc="Number of the linked record.")


def live_unique(name: str, *columns: str, message: str) -> Index:
    """A unique index over rows that are not in the trash; `message` is what the user reads when it is violated."""
    return Index(
        name,
        *(text(c) if "(" in c else c for c in columns),
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
        info={"message": message},
    )


def _add_owner_index(table: Table, owner: str) -> None:
    """Whose rows, without those in the trash: counts what a list holds without a look at the rows themselves."""
    if owner in table.c and "deleted_at" in table.c and owner != "id":  # what is no column, the start-up check names
        Index(f"ix_{table.name}_{owner}", table.c[owner], sqlite_where=LIVE, postgresql_where=LIVE)


def _add_indexes(table: Table) -> None:
    if "deleted_at" in table.c:
        Index(f"ix_{table.name}_trash", table.c.deleted_at, sqlite_where=TRASHED, postgresql_where=TRASHED)
        went: Any = {"sqlite_where": WENT_ALONG, "postgresql_where": WENT_ALONG}
        Index(f"ix_{table.name}_deleted_with", table.c.deleted_with, **went)
    if "record_type" in table.c and "record_id" in table.c:
        Index(f"ix_{table.name}_record", table.c.record_type, table.c.record_id)
    if "search_text" in table.c:
        for dialect in ("sqlite", "postgresql"):
            for statement in search_ddl(table.name, dialect):
                ddl = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
                event.listen(table, "after_create", ddl)
