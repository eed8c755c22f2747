"""`crm migrate`, `crm seed`, `crm openapi`, and what `crm dev` prepares before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crm.settings import Settings

if TYPE_CHECKING:
    from crm.db import Database

DEMO_DECIDED = "demo.decided"


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """The database of this command; its connections go back at the end."""
    from crm.db import Database

    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database, pool_size=2)
    try:
        yield database
    finally:
        database.dispose()


def migrate(settings: Settings) -> str:
    """Bring the schema up to date; says whether there was anything to do."""
    from crm.migrations.run import upgrade
    from seeds import progress

    with opened(settings) as database, ExitStack() as stack:
        bars: list[progress.Progress] = []  # drawn by the first migration: mostly there is none

        def applied(count: int, total: int) -> None:
            show = bars[0] if bars else stack.enter_context(progress.shown())
            bars[:] = [show]
            show("migrations", count, total)

        done = upgrade(database, applied)
    return "The schema was brought up to date." if done else "The schema is up to date."


def draft(message: str) -> str:
    """Write a migration for what changed in the models; says where it is."""
    import crm.models  # noqa: F401  (what it is compared with)
    from crm.migrations import run

    return f"{run.draft(message)}: read it, then run `crm migrate`."


def seed(
    settings: Settings, *, demo: bool, dataset: Path | None, size: int | None = None, deals: int | None = None
) -> Iterator[str]:
    """Load what is asked for; yields a line for each.  `size` and `deals` are those of the demo data."""
    migrate(settings)
    with opened(settings) as database:
        from seeds import initial, progress

        initial.load(database, settings)
        yield "Initial data is there."
        if demo:
            from seeds import demo as demo_data

            with progress.shown() as show:
                logins = demo_data.load(database, settings, size=size, deals=deals, progress=show)
            yield "Demo data is there."
            yield from map(str, logins)
        if dataset:
            from seeds import dataset as public

            with progress.shown() as show:
                report = public.load(database, dataset, progress=show)
            yield from map(str, report.problems)
            yield f"{report}."


def prepare(settings: Settings, *, demo: bool) -> list[str]:
    """Everything `crm dev` needs; the demo data once, and never into a database that has customers.

    Returns the logins whose password is public, to be shown.
    """
    first = demo and not settings.production and not (settings.data_dir / DEMO_DECIDED).exists()
    list(seed(settings, demo=first and not _has_customers(settings), dataset=None))
    (settings.data_dir / DEMO_DECIDED).touch()
    return _logins(settings)


def _logins(settings: Settings) -> list[str]:
    from crm.actor import system
    from crm.services import users
    from seeds import demo

    with opened(settings) as database, database.read_only(system("command line")) as session:
        stands = users.default_password_stands(session)
        demo_logins = [] if settings.production else demo.logins(session)
    admin = [f"{users.DEFAULT_NAME} / {users.DEFAULT_PASSWORD}"] if stands else []
    return [*admin, *map(str, demo_logins)]


def _has_customers(settings: Settings) -> bool:
    """Also those in the trash: whoever deleted the demo data does not want it back."""
    from sqlalchemy import inspect, text

    with opened(settings) as database, database.engine(write=False).connect() as connection:
        if "customer" not in inspect(connection).get_table_names():
            return False
        return connection.scalar(text("SELECT 1 FROM customer LIMIT 1")) is not None


def openapi_document() -> str:
    """The document as indented JSON, the same that `/api/openapi.json` serves."""
    import orjson

    from crm.api.app import all_routes
    from crm.api.openapi import document
    from crm.api.routing import Table

    made = document(Table(all_routes()).endpoints)
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode()
