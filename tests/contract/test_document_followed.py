"""docs/add-an-entity.md followed step by step, in a copy of the program: the drafted migration is complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from crm.db import Database
from crm.migrations import newest
from tests.contract.test_add_an_entity import listing

ROOT = Path(__file__).parents[2]
Python = Callable[..., str]
#: what a developer would do by hand in a shell of Python
DOWN = """
from alembic import command
from crm.db import Database
from crm.migrations.run import config
from crm.settings import load
with Database(load().database).engine().begin() as connection:
    command.downgrade(config(connection), "-1")
"""


@pytest.fixture
def python(tmp_path: Path, database_url: str) -> Python:
    """Run Python in a copy of the program that holds the new entity, on a database of the test's own."""
    for folder in ("crm", "seeds"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "crm" / "models" / "competitor.py").write_text(listing())
    register = tmp_path / "crm" / "models" / "__init__.py"
    register.write_text(register.read_text() + "\nfrom crm.models.competitor import Competitor\n")

    def run(*words: str) -> str:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "DATABASE_URL": database_url}
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def _has_search_index(database: Database) -> bool:
    with database.engine().connect() as connection:
        if database.is_sqlite:
            return bool(inspect(connection).has_table("competitor_search"))
        found = text("SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_competitor_search'")
        return bool(connection.scalar(found))


def test_the_drafted_migration_makes_the_table_with_its_search_index_and_takes_both_away(
    python: Python, database: Database, tmp_path: Path
) -> None:
    told = python("-m", "crm.cli", "migrate", "--new", "Add competitors")
    file = tmp_path / "crm" / "migrations" / "versions" / f"{int(newest()) + 1:04d}_add_competitors.py"
    assert f"{file.name}: read it" in told
    assert (
        subprocess.run([sys.executable, "-m", "ruff", "check", file], cwd=tmp_path, capture_output=True).returncode == 0
    )
    assert "brought up to date" in python("-m", "crm.cli", "migrate")
    assert inspect(database.engine()).has_table("competitor")
    assert _has_search_index(database)
    python("-c", DOWN)
    assert not inspect(database.engine()).has_table("competitor")
    assert not _has_search_index(database)
