"""The `crm` command, called as people call it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from crm.actor import system
from crm.cli import app
from crm.commands import processes
from crm.db import Database
from crm.errors import StartError
from crm.models.user import User
from crm.services import passwords
from crm.settings import Settings
from crm.supervisor import checks

ROOT = Path(__file__).parents[1]
LIMIT_S = 60.0
Crm = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def crm(tmp_path: Path) -> Crm:
    """Run the command in an empty folder, with the given variables and no others of ours."""

    def run(*words: str, stdin: str = "", **variables: object) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        env |= {name.upper(): str(value) for name, value in variables.items()}
        command = [sys.executable, "-m", "crm.cli", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=env, input=stdin, capture_output=True, text=True, timeout=LIMIT_S
        )

    return run


COMMANDS = ("dev", "web", "worker", "scheduler", "migrate", "seed", "user", "doctor", "openapi")


def test_every_command_has_help(crm: Crm) -> None:
    overview = crm("--help")
    assert overview.returncode == 0
    for name in COMMANDS:
        assert f" {name} " in overview.stdout
        told = CliRunner().invoke(app, [name, "--help"], prog_name="crm")
        assert told.exit_code == 0, told.output
        assert f"Usage: crm {name}" in told.output


def test_a_wrong_setting_stops_with_its_name_and_without_its_value(crm: Crm) -> None:
    end = crm("migrate", port="secret-looking", bcrypt_cost=99)
    assert (end.returncode, end.stdout) == (1, "")
    assert sorted(line.split(":")[0] for line in end.stderr.splitlines()) == ["BCRYPT_COST", "PORT"]
    assert "secret-looking" not in end.stderr


def test_migrating_twice_has_nothing_left_to_do(crm: Crm) -> None:
    assert crm("migrate").stdout == "The schema was brought up to date.\n"
    assert crm("migrate").stdout == "The schema is up to date.\n"


def test_an_absent_database_is_a_sentence_and_a_traceback_only_on_request(crm: Crm) -> None:
    absent = "postgresql://nobody:geheim@127.0.0.1:1/none"
    end = crm("migrate", database_url=absent)
    assert end.returncode == 1
    assert "Connection refused" in end.stderr
    assert len(end.stderr.splitlines()) == 1
    assert "geheim" not in end.stderr
    told = crm("migrate", database_url=absent, log_level="debug").stderr
    assert "Traceback" in told
    assert "geheim" not in told


def test_a_person_can_be_added(crm: Crm, database: Database, database_url: str) -> None:
    asked = ("user", "add", "ada", "--name", "Ada Lovelace", "--password-stdin", "--email")
    given = {"stdin": "correct horse battery\n", "database_url": database_url, "bcrypt_cost": 4}
    end = crm(*asked, "ada@example.com", **given)
    assert (end.returncode, end.stderr) == (0, "")
    with database.engine(write=False).connect() as connection:
        kept = connection.execute(select(User.name, User.password_hash).where(User.username == "ada")).one()
    assert kept.name == "Ada Lovelace"
    assert passwords.matches("correct horse battery", kept.password_hash)
    again = crm(*asked, "another@example.com", **given)
    assert (again.returncode, again.stderr) == (1, "Username already exists\n")


def test_an_easy_password_is_refused(crm: Crm, database_url: str) -> None:
    asked = ("user", "add", "ada", "--email", "ada@example.com", "--password-stdin")
    end = crm(*asked, stdin="short\n", database_url=database_url)
    assert (end.returncode, end.stderr) == (1, "password: must have at least 6 characters\n")


def test_the_doctor_finds_nothing_wrong(crm: Crm, settings: Settings) -> None:
    end = crm("doctor", database_url=settings.database_url, redis_url=settings.redis_url)
    assert end.returncode == 0, end.stdout
    assert "Redis answers." in end.stdout
    assert "problem" not in end.stdout


def test_the_doctor_says_what_is_wrong_and_what_to_do(crm: Crm) -> None:
    nowhere = {"smtp_host": "127.0.0.1", "smtp_port": 1, "redis_url": "redis://127.0.0.1:1/0", "ai_model": "openai:x"}
    end = crm("doctor", **nowhere)
    assert end.returncode == 1
    problems = {line.split()[1]: line for line in end.stdout.splitlines() if line.startswith("problem")}
    assert "run: crm migrate" in problems["database"]
    assert "correct REDIS_URL" in problems["redis"]
    assert "check SMTP_HOST" in problems["mail"]
    assert "OPENAI_API_KEY" in problems["assistant"]
    assert "set PUBLIC_URL" in end.stdout


def test_a_second_start_on_the_same_data_is_refused(crm: Crm, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with checks.only_one(tmp_path / "data"):
        end = crm("dev")
    assert end.returncode == 1
    assert f"(pid {os.getpid()}); stop it or set DATA_DIR" in end.stderr


def test_a_start_on_a_taken_port_is_refused(crm: Crm) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        end = crm("dev", "--port", str(taken.getsockname()[1]))
    assert end.returncode == 1
    assert end.stderr.endswith("is taken by another program; stop it or set PORT\n")


def test_a_reachable_server_with_printed_demo_passwords_refuses_to_start(
    database: Database, settings: Settings
) -> None:
    reachable = settings.model_copy(update={"host": "0.0.0.0"})
    with database.transaction(system("test")) as session:
        known = passwords.hash_password("demo-sales-1", 4)
        session.add(User(username="demo.sales", email="sales@example.com", password_hash=known))
    processes.check_demo_logins(settings)
    with pytest.raises(StartError, match=r"passwords of demo\.sales"):
        processes.serve(reachable, reload=False, workers=1)
    with database.transaction(system("test")) as session:
        session.scalars(select(User).where(User.username == "demo.sales")).one().status = False
    processes.check_demo_logins(reachable)


@pytest.mark.parametrize("name", ["web", "worker", "scheduler"])
def test_no_process_starts_on_a_schema_that_is_older_than_it(crm: Crm, name: str) -> None:
    end = crm(name, jwt_secret="s" * 32)
    assert (end.returncode, end.stderr) == (1, "The schema of the database is not up to date; run: crm migrate\n")


def test_a_server_that_others_reach_does_not_start_while_nothing_is_known_of_its_logins(crm: Crm) -> None:
    absent = "postgresql://nobody@127.0.0.1:1/none"
    end = crm("web", host="0.0.0.0", env="production", jwt_secret="s" * 32, database_url=absent)
    assert end.returncode != 0
    assert "Start the database first." in end.stderr
    assert "Traceback" not in end.stderr
