"""A whole installation that things are done to: database, broker, web, worker and scheduler, each a process to kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.jobs import killpoints
from crm.migrations.run import upgrade
from crm.models import Customer, User
from crm.services import records, sessions, tokens
from crm.settings import Settings
from seeds import initial
from tests.outages import proxy
from tests.outages.proxy import Proxy
from tests.torture import crashing
from tests.torture.crashing import Crashing
from tests.waiting import until

ROOT = Path(__file__).parents[2]
SECRET = "a secret of 32 bytes for outages only"
TOKEN_S = 24 * 3600


@dataclass(slots=True)
class Installation:
    """`start`, `stop` and `kill` know the processes by the names of their commands; `web` may run more than once."""

    folder: Path
    settings: Settings
    database: Database
    broker: Crashing
    wire: Proxy
    server: Crashing | None
    env: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    token: str = ""
    cookie: str = ""
    customer_id: int = 0

    def start(self, *names: str) -> None:
        """`web 1`, `worker 1`, `scheduler 1` …; a web process answers when this returns."""
        for name in names:
            self._launch(name)
        for name in names:
            if name.startswith("web"):
                until(partial(self._answers, name))

    def end_at(self, name: str, step: str) -> int:
        """Started so that it ends by itself when it comes by that step of `crm.jobs.killpoints`; the exit status."""
        self._launch(name, **{killpoints.VARIABLE: step})
        return self.processes.pop(name).wait(60)

    def _launch(self, name: str, **told: str) -> None:
        command = name.partition(" ")[0]
        env = {**os.environ, **self.env, **told}
        if command == "web":
            env["PORT"] = str(self.ports.setdefault(name, free_port()))
        with (self.folder / "processes.log").open("ab") as log:
            words = [sys.executable, "-m", "crm.cli", command]
            self.processes[name] = subprocess.Popen(words, cwd=ROOT, env=env, stdout=log, stderr=log)

    def ensure(self, *names: str) -> None:
        """Exactly these run."""
        for name in set(self.processes) - set(names):
            self.stop(name)
        self.start(*(name for name in names if name not in self.processes))

    def use(self, settings: Settings) -> Settings:
        """For processes that start from now on; what was used before."""
        before, self.settings, self.env = self.settings, settings, _environment(settings)
        return before

    def _answers(self, name: str) -> bool:
        assert self.processes[name].poll() is None, f"{name} ended; {self.folder}/processes.log says why"
        return _listens(self.ports[name])

    @property
    def ports_in_turn(self) -> tuple[int, int]:
        """Of `web 1` and `web 2`, running or not."""
        return self.ports["web 1"], self.ports.setdefault("web 2", free_port())

    def stop(self, name: str) -> int:
        """SIGTERM; the exit status."""
        self.processes[name].send_signal(signal.SIGTERM)
        return self.processes.pop(name).wait(60)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes.pop(name).wait()

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.database.dispose()


@contextmanager
def installed(backend: str, folder: Path, url: str = "", **told: Any) -> Iterator[Installation]:
    """Servers and data, or data in the database at `url`; `told` are settings.  No process of ours runs yet."""
    with ExitStack() as stack:
        server: Crashing | None = None
        if not url and backend == "sqlite":
            url = f"sqlite:///{folder / 'crm.sqlite3'}"
        elif not url:
            server, url = stack.enter_context(crashing.postgresql(folder / "postgresql"))
        broker, _ = stack.enter_context(crashing.valkey(folder / "broker"))
        chosen = Settings(
            _env_file=None,
            env="test",
            log_level="warning",
            jwt_secret=SECRET,
            data_dir=folder / "data",
            database_url=url,
            redis_url=f"unix://{folder / 'wire.sock'}?db=0",
            bcrypt_cost=4,
            **told,
        )
        wire = stack.enter_context(proxy.between(folder / "broker" / "valkey.sock", folder / "wire.sock"))
        made = Installation(folder, chosen, Database(url), broker, wire, server, _environment(chosen))
        stack.callback(made.stop_all)
        _fill(made)
        yield made


def _environment(settings: Settings) -> dict[str, str]:
    told = settings.model_dump(mode="json", exclude_defaults=True)
    return {"PYTHONPATH": str(ROOT), **{name.upper(): str(value) for name, value in told.items() if value is not None}}


def _fill(made: Installation) -> None:
    """The initial data, somebody who is signed in, and a customer to write to."""
    upgrade(made.database)
    initial.load(made.database, made.settings)
    with made.database.transaction(system("outages")) as session:
        admin = session.scalars(select(User).where(User.username == "admin")).one()
        made.cookie = sessions.open_session(session, admin)
        made.customer_id = records.create(session, Customer, {"name": "Acme"}).id
        tokens.ACCESS_S = TOKEN_S
        made.token = tokens.issue(made.settings, admin.id, not_before=admin.tokens_from.timestamp())


def free_port() -> int:
    with closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
