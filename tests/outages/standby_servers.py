"""A primary and its standby, both real: one can be killed, the other promoted, the dead one made its standby."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests import servers
from tests.outages import proxy
from tests.outages.proxy import Proxy
from tests.torture.crashing import OPTIONS, Crashing
from tests.waiting import until

NAMES = ("a", "b")
REPLICATED = (*OPTIONS, "wal_level=replica", "max_wal_senders=5", "hot_standby=on", "wal_keep_size=512MB")


class Pair:
    """`primary` and `standby` name the servers; wires lie between them and whoever uses `url`.

    `synchronous`: what the primary has confirmed, the standby has on its disk.
    """

    def __init__(self, folder: Path, *, synchronous: bool) -> None:
        self._folder, self._synchronous, self._loses = folder, synchronous, 0.0
        self._binaries, self._user = servers.postgresql_binaries(folder), None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._user = "nobody"
            shutil.chown(folder, self._user)
            self._binaries = servers.readable_by(self._user, self._binaries, folder)
        self.primary, self.standby = NAMES
        self.running: dict[str, Crashing] = {}
        self._wires: dict[str, ExitStack] = {}
        self._proxies: list[Proxy] = []
        self._run("initdb", "-D", self._data("a"), "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8")
        self._serve("a")
        self.follow()
        self.url = self._url(*NAMES)

    def url_of_standby(self) -> str:
        """That server alone, whatever it is."""
        return f"{self._url(self.standby)}&target_session_attrs=any"

    def lose_replies(self, share: float) -> None:
        """From now on the lines are cut in place of this share of the servers' replies."""
        self._loses = share
        for wire in self._proxies:
            wire.loses = share

    def fall_behind(self) -> None:
        """The standby hears nothing of what is written from now on."""
        self._order("ALTER SYSTEM SET primary_conninfo = ''", self.standby)
        self._order("SELECT pg_reload_conf()", self.standby)
        until(lambda: not self.asked("SELECT count(*) FROM pg_stat_wal_receiver", self.standby))

    def lose_primary(self) -> None:
        """Killed with all its processes, and away."""
        self.running.pop(self.primary).stop()
        self._wires.pop(self.primary).close()

    def promote(self) -> None:
        """The standby takes writes from now on.  It has inherited whom its commits wait for: nobody is there."""
        self._run("pg_ctl", "promote", "-D", self._data(self.standby), "-w")
        self.primary, self.standby = self.standby, self.primary
        self._order("ALTER SYSTEM RESET synchronous_standby_names")
        self._order("SELECT pg_reload_conf()")

    def follow(self) -> None:
        """The other server becomes the standby of the primary, from a fresh copy."""
        shutil.rmtree(self._data(self.standby), ignore_errors=True)
        copied = ("-D", self._data(self.standby), "-h", self._socket(self.primary), "-U", "postgres")
        self._run("pg_basebackup", *copied, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        self._serve(self.standby)
        if self._synchronous:
            self._order("ALTER SYSTEM SET synchronous_standby_names = '*'")
            self._order("SELECT pg_reload_conf()")
        state = "sync" if self._synchronous else "async"
        until(lambda: self.asked("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'") == state)

    def asked(self, question: str, name: str = "") -> object:
        """The answer of the primary, or of the one named."""
        with psycopg.connect(host=str(self._socket(name or self.primary)), user="postgres", autocommit=True) as session:
            row = session.execute(sql.SQL(question)).fetchone()
        return row[0] if row else None

    @property
    def cut(self) -> int:
        """How many replies did not arrive."""
        return sum(wire.lost for wire in self._proxies)

    def close(self) -> None:
        for name, server in self.running.items():
            server.stop()
            self._wires[name].close()

    # ---------------------------------------------------------------------------------------------- inside

    def _url(self, *names: str) -> str:
        return f"postgresql://postgres@/postgres?host={','.join(str(self._folder / f'wire-{name}') for name in names)}"

    def _order(self, statement: str, name: str = "") -> None:
        with psycopg.connect(host=str(self._socket(name or self.primary)), user="postgres", autocommit=True) as session:
            session.execute(sql.SQL(statement))

    def _serve(self, name: str) -> None:
        place, data = self._socket(name), self._data(name)
        place.mkdir(exist_ok=True)
        if self._user:
            shutil.chown(place, self._user)
        options = [word for option in REPLICATED for word in ("-c", option)]
        probe: list[str | Path] = [self._binaries / "psql", "-h", place, "-U", "postgres", "-Atqc", "select 1"]

        def start() -> subprocess.Popen[bytes]:
            (data / "postmaster.pid").unlink(missing_ok=True)
            command: list[str | Path] = [self._binaries / "postgres", "-D", data, "-k", place, *options]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            return subprocess.Popen(command, user=self._user, cwd="/", **quiet)  # type: ignore[call-overload,no-any-return]

        self.running[name] = Crashing(
            start, lambda: subprocess.run(probe, capture_output=True, cwd="/").returncode == 0
        )
        self._wire(place / ".s.PGSQL.5432", name)

    def _wire(self, target: Path, name: str) -> None:
        place = self._folder / f"wire-{name}"
        place.mkdir(exist_ok=True)
        self._wires[name] = ExitStack()
        wire = self._wires[name].enter_context(proxy.between(target, place / target.name))
        self._proxies.append(wire)
        wire.loses = self._loses

    def _run(self, program: str, *words: str | Path) -> None:
        command = [self._binaries / program, *words]
        subprocess.run(command, check=True, user=self._user, cwd="/", capture_output=True)

    def _data(self, name: str) -> Path:
        return self._folder / f"data-{name}"

    def _socket(self, name: str) -> Path:
        return self._folder / f"server-{name}"


@contextmanager
def pair(folder: Path, *, synchronous: bool) -> Iterator[Pair]:
    """Both run when this begins, and neither when it ends."""
    folder.mkdir()
    made = Pair(folder, synchronous=synchronous)
    try:
        yield made
    finally:
        made.close()
