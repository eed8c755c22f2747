"""`make outages`: servers stop, freeze and come back under load; prints what users met, and what became of the work."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.outages import backups, frozen, restarts, standby, stops, web_kills
from tests.outages.installation import Installation, installed
from tests.outages.locking import Lock
from tests.outages.scenarios import Finding, Trouble, suffer

BACKENDS = ("sqlite", "postgresql")
PROCESSES = ("web 1", "worker 1", "scheduler 1")
WAYS = {
    "rolling restart": restarts.roll,
    "killed worker and scheduler": restarts.kill,
    "worker told to stop during long jobs": stops.stop,
    "worker killed during long jobs": stops.crash,
    "supervisor killed": stops.orphans,
    "backups": backups.rehearse,
    "web killed while deals are won": web_kills.sell,
    "workers frozen until they were replaced": frozen.thaw,
}
#: of PostgreSQL, with servers of their own
STANDBYS = {
    "standby takes over, commits wait for it": standby.synchronous,
    "standby takes over, commits do not wait": standby.asynchronous,
}
console = Console(width=150)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=BACKENDS)
    parser.add_argument("--trouble", default="", help="those whose name contains this")
    parser.add_argument("--backups", type=int, default=backups.ROUNDS, help="how many are made and restored")
    options = parser.parse_args()
    backups.ROUNDS = options.backups
    chosen = options.only or BACKENDS
    faults = [_suffered(backend, options.trouble) for backend in chosen]
    if "postgresql" in chosen:
        faults.append(_failed_over(options.trouble))
    return int(any(faults))


def _suffered(backend: str, wanted: str) -> bool:
    """Were there faults?"""
    folder = Path(tempfile.mkdtemp(prefix="crm-outages-"))
    folder.chmod(0o755)
    found, faults = [], []
    with installed(backend, folder) as installation:
        for trouble in _troubles(installation):
            if wanted in trouble.name:
                installation.ensure(*PROCESSES)
                found.append(suffer(installation, trouble))
                faults += [f"{trouble.name}: {fault}" for fault in found[-1].faults]
        _show(backend, found)
        for name, restart in WAYS.items():
            if wanted in name:
                installation.ensure(*PROCESSES)
                told, wrong = restart(installation)
                console.print(f"{backend}: {name}: {told}", highlight=False)
                faults += [f"{name}: {fault}" for fault in wrong]
    return _concluded(backend, folder, faults)


def _failed_over(wanted: str) -> bool:
    """Were there faults?"""
    folder = Path(tempfile.mkdtemp(prefix="crm-outages-"))
    folder.chmod(0o755)
    faults = []
    for number, (name, suffered) in enumerate(STANDBYS.items()):
        if wanted in name:
            told, wrong = suffered(folder / str(number))
            console.print(f"postgresql: {name}: {told}", highlight=False)
            faults += [f"{name}: {fault}" for fault in wrong]
    return _concluded("postgresql", folder, faults)


def _concluded(backend: str, folder: Path, faults: list[str]) -> bool:
    for fault in faults:
        console.print(f"[red]{backend}: {fault}", highlight=False)
    if faults:
        console.print(f"what the processes said stands in {folder}, in processes.log")
    else:
        shutil.rmtree(folder)
    return bool(faults)


def _troubles(installation: Installation) -> Iterator[Trouble]:
    broker, wire, server = installation.broker, installation.wire, installation.server
    yield Trouble("Redis stopped", broker.stop, broker.start, 6)
    yield Trouble("Redis wiped", broker.crash, lambda: None, 3)
    yield Trouble("Redis frozen", lambda: broker.signal(signal.SIGSTOP), lambda: broker.signal(signal.SIGCONT), 6)
    yield Trouble(
        "Redis loses 2 % of replies", lambda: setattr(wire, "loses", 0.02), lambda: setattr(wire, "loses", 0.0), 6
    )
    if server is None:
        lock = Lock(installation.settings)
        yield Trouble("SQLite locked by another program", lock.take, lock.give, 20, web_suffers=True)
        return
    yield Trouble("PostgreSQL stopped", server.stop, server.start, 6, web_suffers=True)
    yield Trouble(
        "PostgreSQL frozen",
        lambda: server.signal(signal.SIGSTOP),
        lambda: server.signal(signal.SIGCONT),
        20,
        web_suffers=True,
    )
    yield Trouble("PostgreSQL crashed 10 times", lambda: restarts.crash(server, 10), lambda: None, 1, web_suffers=True)


def _show(backend: str, found: list[Finding]) -> None:
    heads = ("before p99", "during: answers", "p50", "p99", "longest", "first 200 after", "work done after")
    table = Table(backend, *heads, "asked for", "lost", "doubled")
    for one in found:
        statuses = ", ".join(f"{count} × {status or 'none'}" for status, count in sorted(one.during.statuses.items()))
        table.add_row(
            one.name,
            f"{one.before.p99_ms:.0f} ms",
            statuses,
            f"{one.during.p50_ms:.0f} ms",
            f"{one.during.p99_ms:.0f} ms",
            f"{one.during.longest_s:.1f} s",
            f"{one.first_success_s:.2f} s",
            f"{one.drained_s:.1f} s",
            *(str(number) for number in (one.kept, one.lost, one.doubled)),
        )
    if found:
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
