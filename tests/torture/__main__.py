"""`make torture`: deals are won while all is killed that can be; prints lost, doubled, uncertain, time to drain."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table

from tests.torture.run import Outcome, Plan, torture

BACKENDS = ("sqlite", "postgresql")
console = Console(width=120)
_KILLED = {
    "worker": "a worker",
    "relay": "a relay",
    "broker": "the broker (and wiped)",
    "seller": "whoever wins deals",
    "database": "PostgreSQL",
    "everything": "all processes at once",
}


def main() -> int:
    options = _options()
    plan = Plan(**{field.name: getattr(options, field.name) for field in fields(Plan)})
    found = {}
    for backend in options.only or BACKENDS:
        folder = Path(tempfile.mkdtemp(prefix="crm-torture-"))
        folder.chmod(0o755)
        with console.status(backend) as status:
            found[backend] = torture(backend, plan, folder, tell=partial(_tell, status, backend))
        if found[backend].verdict.is_good:
            shutil.rmtree(folder)
        else:
            console.print(f"[red]{backend}: what the processes said stands in {folder}/processes.log")
    _show(found, plan)
    return 0 if all(outcome.verdict.is_good for outcome in found.values()) else 1


def _tell(status: Status, backend: str, line: str) -> None:
    status.update(f"{backend}: {line}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=(__doc__ or "").partition("\n")[0])
    for field in fields(Plan):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    parser.add_argument("--only", action="append", choices=BACKENDS)
    return parser.parse_args()


def _show(found: dict[str, Outcome], plan: Plan) -> None:
    table = Table("", *found)
    rows: dict[str, Callable[[Outcome], object]] = {
        "deals, each with one mail": lambda o: o.verdict.deals,
        "lost": lambda o: len(o.verdict.lost),
        "doubled": lambda o: len(o.verdict.doubled),
        "hidden (the records say otherwise)": lambda o: len(o.verdict.hidden),
        "uncertain, all shown": lambda o: o.verdict.uncertain,
        "  of these had arrived": lambda o: o.verdict.uncertain_arrived,
        "refused by the mail server, shown": lambda o: o.verdict.refused,
        "jobs whose worker was killed": lambda o: o.verdict.crashes,
        "a schedule's fires, one a second": lambda o: o.verdict.fires,
        "  seconds it left out": lambda o: len(o.verdict.missed),
        "seconds under fire": lambda o: f"{o.faults_s:.0f}",
        "at the last fault: deals not yet won": lambda o: o.left.deals,
        "  jobs not yet done": lambda o: o.left.jobs,
        "seconds to drain after the last fault": lambda o: f"{o.drain_s:.1f}",
        "  after the last deal was won": lambda o: f"{min(o.drain_s, o.after_sale_s):.1f}",
    }
    for name, value in rows.items():
        table.add_row(name, *(str(value(outcome)) for outcome in found.values()))
    console.print(table)
    for backend, outcome in found.items():
        killed = ", ".join(f"{_KILLED[name]} {count} times" for name, count in sorted(outcome.killed.items()))
        console.print(f"{backend}: killed: {killed}; seed {plan.seed}", highlight=False)
        for line in outcome.last:
            console.print(f"{backend}: one of the last to end: {line}", highlight=False)
        console.print(f"{backend}: the mail server's behaviour: {outcome.met}", highlight=False)
        for line in (outcome.verdict.lost + outcome.verdict.doubled + outcome.verdict.hidden)[:20]:
            console.print(f"[red]{backend}: {line}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
