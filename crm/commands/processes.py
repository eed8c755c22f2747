"""`crm web`, `crm worker` and `crm scheduler`: each runs until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crm.errors import StartError
from crm.migrations import newest, stands_at
from crm.settings import LOOPBACK, Settings


def serve(settings: Settings, *, reload: bool, workers: int) -> None:
    """The ASGI application under uvicorn; our own logs say what it served."""
    import uvicorn

    from crm.commands import web_server

    check_schema(settings)
    check_demo_logins(settings)
    if reload:
        uvicorn.run(**_options(settings), reload=True, reload_dirs=[str(Path(__file__).parents[1])])
    elif workers > 1:
        uvicorn.run(**_options(settings), workers=workers)
    else:
        web_server.run(uvicorn.Config(**_options(settings)))


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "app": "crm.app:create_app",
        "factory": True,
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",  # with httptools a quarter of the CPU of the pure Python ones
        "http": "httptools",
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": 10,
    }


def check_schema(settings: Settings) -> None:
    """StartError if the schema is older than this program; a database that does not answer yet is no reason to stop."""
    from sqlalchemy.exc import OperationalError

    from crm.commands.data import opened

    with opened(settings) as database:
        try:
            with database.engine(write=False).connect() as connection:
                is_older = stands_at(connection) < newest()
        except OperationalError:
            return
    if is_older:
        raise StartError("The schema of the database is not up to date; run: crm migrate")


def check_demo_logins(settings: Settings) -> None:
    """StartError if others could reach the server while printed passwords of the demo data still open it."""
    if settings.host in LOOPBACK or settings.production:
        return
    from crm.actor import system
    from crm.commands.data import opened
    from seeds import demo

    with opened(settings) as database, database.read_only(system("start")) as session:
        names = [login.username for login in demo.logins(session)]
    if names:
        raise StartError(
            "HOST: %(host)s can be reached by others while the printed passwords of %(names)s still stand. "
            "Change them or disable these users in the panel on 127.0.0.1 first.",
            host=settings.host,
            names=", ".join(names),
        )


def work(settings: Settings) -> None:
    from crm import logs
    from crm.workers.main import run_worker

    logs.configure(settings)
    check_schema(settings)
    run_worker(settings)


def schedule(settings: Settings) -> None:
    from crm import logs
    from crm.workers.schedule import run_scheduler

    logs.configure(settings)
    check_schema(settings)
    run_scheduler(settings)
