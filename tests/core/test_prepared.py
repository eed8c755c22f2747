"""Statements kept as text fit the driver they were written for."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg, psycopg

from crm.actor import system
from crm.api.query import Shape
from crm.api.statements import plan_for
from crm.models import Tag


def test_a_plan_for_one_driver_is_never_given_to_another_of_the_same_database() -> None:
    shape, actor = Shape(fields=("id", "name"), paging="one"), system("test")
    made = plan_for(Tag, shape, actor, asyncpg.dialect())  # type: ignore[no-untyped-call]
    assert "$1" in made.prepared.sql
    assert plan_for(Tag, shape, actor, asyncpg.dialect()) is made  # type: ignore[no-untyped-call]
    assert "?" in plan_for(Tag, shape, actor, sqlite.dialect()).prepared.sql
    with pytest.raises(TypeError, match="by name"):
        plan_for(Tag, shape, actor, psycopg.dialect())  # type: ignore[no-untyped-call]
