"""The ground all other tests stand on: fresh databases, and servers that end with the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import redis
from sqlalchemy import func, select

from crm.actor import system
from crm.db import Database
from crm.migrations.run import is_current
from crm.models.tag import Tag
from crm.models.user import User
from crm.services import records
from tests import servers
from tests.databases import Databases

KILLED_RUN = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from crm.actor import system
from crm.db import Database
from crm.migrations.run import is_current
from crm.models.tag import Tag
from crm.models.user import User
from tests import servers
run = servers.new_run()
servers.valkey(run, os.getpid())
print((run / "valkey.keeper").read_text(), run, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_database_is_migrated_and_holds_nobody(database: Database) -> None:
    assert is_current(database)
    with database.engine(write=False).connect() as connection:
        assert connection.scalar(select(func.count()).select_from(User)) == 0


def test_a_database_is_used_again_without_rows_and_counts_from_one(run_dir: Path) -> None:
    databases = Databases(run_dir, int(os.environ["CRM_TEST_RUN_OWNER"]))
    url = databases.take("postgresql")
    assert add_tag(url) == 1
    left_open = psycopg.connect(url)
    left_open.execute("SELECT 1 FROM tag FOR UPDATE")
    databases.give_back(url)
    assert databases.take("postgresql") == url
    assert add_tag(url) == 1
    left_open.close()

    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE tag ADD COLUMN whim text")
    databases.give_back(url)
    assert databases.take("postgresql") != url


def add_tag(url: str) -> int:
    """The number that the first tag gets."""
    database = Database(url)
    with database.transaction(system("test")) as session:
        number: int = records.create(session, Tag, {"name": "first"}).id
    database.dispose()
    return number


def test_valkey_is_empty_and_real(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert client.dbsize() == 0
        assert client.eval("return redis.call('set', 'a', ARGV[1]).ok", 0, "1") == "OK"


def test_a_killed_run_leaves_neither_server_nor_folder() -> None:
    root = Path(__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", KILLED_RUN, root], capture_output=True, text=True)
    keeper, folder = run.stdout.split()
    assert servers.wait_gone(int(keeper))
    assert not Path(folder).exists()
