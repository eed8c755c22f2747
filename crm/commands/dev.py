"""`crm dev`: checks, prepares the data, and runs all processes under one supervisor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

from crm.settings import Settings
from crm.supervisor import ProcessSpec, checks, run, valkey
from crm.supervisor.ready import port_open, reachable

CRM = (sys.executable, "-m", "crm.cli")
#: a supervisor that was killed may have left a web process that still finishes its requests
PATIENCE_S = 15.0
WORKER_GRACE_S = 25.0


def start(settings: Settings, *, reload: bool, demo: bool) -> int:
    """Run until stopped; the exit status.  Raises StartError for what can be known beforehand."""
    checks.prepare_folder(settings.data_dir)
    with checks.only_one(settings.data_dir) as killed:
        checks.check_port(settings.host, settings.port, patience_s=PATIENCE_S if killed else 0)
        # In a process of its own: the supervisor stays small, and lives on should the driver crash.
        prepared = subprocess.run(
            [*CRM, "prepare", "--demo" if demo else "--no-demo"], stdout=subprocess.PIPE, text=True, check=False
        )
        if prepared.returncode:
            return prepared.returncode
        logins = prepared.stdout.splitlines()
        return run(_processes(settings, reload=reload), on_ready=_announce(settings, logins))


def _processes(settings: Settings, *, reload: bool) -> list[ProcessSpec]:
    processes, env = [], {"PYTHONUNBUFFERED": "1"}
    if sys.stdout.isatty() and settings.log_format == "auto":
        env["LOG_FORMAT"] = "text"  # the children write into pipes, which people read
    if not settings.broker:
        broker, env["REDIS_URL"] = valkey.embedded(settings.data_dir)
        processes.append(broker)
    serve = [*CRM, "web", *(["--reload"] if reload else [])]
    ready = port_open(settings.host, settings.port)
    return [  # the panel first: on two cores, three processes that load at once would keep people waiting
        *processes,
        ProcessSpec("web", serve, env, ready=ready, order=1, grace_s=15),
        ProcessSpec("worker", [*CRM, "worker"], env, order=2, grace_s=WORKER_GRACE_S),
        ProcessSpec("scheduler", [*CRM, "scheduler"], env, order=2),
    ]


def _announce(settings: Settings, logins: Sequence[str]) -> Callable[[], None]:
    host = reachable(settings.host)
    at = settings.public_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    mail = "sent by SMTP_HOST" if settings.smtp_host else "kept in the panel's inbox, not sent"
    lines = [
        "",
        f"  Panel  {at}/admin",
        f"  API    {at}/api/docs",
        f"  Data   {settings.data_dir.absolute()}",
        f"  Mail   {mail}",
        *(f"  Login  {login}" for login in logins),
        "",
        "  Ctrl-C stops it.",
        "",
    ]
    return lambda: print("\n".join(lines), flush=True)
