"""The `crm` command: its subcommands and options, and how failures are told.

Bodies are in `crm.commands` and imported when they run: `crm --help` needs no database driver.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from crm import __version__
from crm.errors import CrmError
from crm.settings import Settings, load

app = typer.Typer(
    help="A self-hosted CRM. `crm dev` starts everything.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
users = typer.Typer(help="Users.", no_args_is_help=True)
app.add_typer(users, name="user")
jobs = typer.Typer(help="Jobs.", no_args_is_help=True)
app.add_typer(jobs, name="jobs")

Host = Annotated[str | None, typer.Option(help="Address to listen on, instead of HOST.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on, instead of PORT.")]
Reload = Annotated[bool, typer.Option("--reload", help="Start the web process again when the code changes.")]


def main() -> None:
    """Run; the exit status is 0 only if the work was done, and a failure is a sentence, not a traceback."""
    try:
        app(prog_name="crm")
    except CrmError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _fail(_sentence(error))


def _fail(sentence: str) -> None:
    """Called while the error is handled."""
    from crm import redaction

    error = sys.exception()
    if error is not None and os.environ.get("LOG_LEVEL") == "debug":
        sys.stderr.write(f"{redaction.trace(error)}\n")
    sys.stderr.write(f"{sentence if isinstance(error, CrmError) else redaction.masked(sentence)}\n")
    sys.exit(1)


def _sentence(error: Exception) -> str:
    """The driver's own words where a database failed: SQLAlchemy's would show the statement and its values."""
    cause = getattr(error, "orig", None) or error
    first = next(iter(str(cause).strip().splitlines()), "")
    if cause is not error:
        return f"The database does not do as asked: {first} (DATABASE_URL and DATA_DIR say where it is)"
    return f"{type(cause).__name__}: {first} (LOG_LEVEL=debug shows where)"


def _settings(**changed: object) -> Settings:
    """The settings, with options taking the place of variables, for this process and those it starts."""
    os.environ.update({name.upper(): str(value) for name, value in changed.items() if value is not None})
    return load()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...


@app.command()
def dev(
    host: Host = None,
    port: Port = None,
    reload: Reload = False,
    demo: Annotated[bool, typer.Option(help="Load the demo data at the first start.")] = True,
) -> None:
    """Start everything: database, broker, web, worker and scheduler; Ctrl-C stops it."""
    from crm.commands.dev import start

    raise typer.Exit(start(_settings(host=host, port=port), reload=reload, demo=demo))


@app.command(hidden=True)
def prepare(demo: Annotated[bool, typer.Option()] = True) -> None:
    """Migrate, load the initial data, and the first time the demo data; prints who may sign in."""
    from crm.commands import data

    for line in data.prepare(_settings(), demo=demo):
        typer.echo(line)


@app.command()
def web(
    host: Host = None,
    port: Port = None,
    reload: Reload = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1,
) -> None:
    """Serve the panel and the API."""
    from crm.commands.processes import serve

    serve(_settings(host=host, port=port), reload=reload, workers=workers)


@app.command()
def worker() -> None:
    """Do the jobs: mail, reminders, schedules, and what else is asked for; any number of workers may run."""
    from crm.commands.processes import work

    work(_settings())


@app.command()
def scheduler() -> None:
    """Ask for the jobs that are due; any number of schedulers may run."""
    from crm.commands.processes import schedule

    schedule(_settings())


@app.command()
def migrate(
    new: Annotated[str, typer.Option(help="Write a migration for what changed in the models, with this title.")] = "",
) -> None:
    """Bring the database to the newest schema."""
    from crm.commands import data

    typer.echo(data.draft(new) if new else data.migrate(_settings()))


@app.command()
def seed(
    demo: Annotated[bool, typer.Option("--demo", help="Customers, deals and tasks to try it out with.")] = False,
    size: Annotated[
        int | None, typer.Option(min=1, help="With --demo: so many contacts, a fifth of customers.")
    ] = None,
    deals: Annotated[int | None, typer.Option(min=0, help="With --demo: so many deals.")] = None,
    dataset: Annotated[
        Path | None, typer.Option("--from", exists=True, file_okay=False, help="Folder of the public data set to load.")
    ] = None,
) -> None:
    """Load the initial data: roles, permissions, categories; safe to repeat, safe in production."""
    from crm.commands import data

    for line in data.seed(_settings(), demo=demo, size=size, deals=deals, dataset=dataset):
        typer.echo(line)


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; - writes to the output. Default: DATA_DIR/backups.")
    ] = None,
) -> None:
    """Write database, uploads and key to one archive, while everything runs."""
    from crm.commands.backup import make

    typer.echo(make(_settings(), file), err=True)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An archive of `crm backup`.")],
    force: Annotated[bool, typer.Option("--force", help="Give up the data that is there now.")] = False,
) -> None:
    """Put a backup in place of what is there; its mail is held until `crm jobs release`."""
    from crm.commands.backup import restore

    for line in restore(_settings(), file, force=force):
        typer.echo(line)


@jobs.command("release")
def jobs_release() -> None:
    """Let all jobs go that a restored copy holds back, mail among them."""
    from crm.commands.backup import release

    typer.echo(release(_settings()))


@users.command("add")
def user_add(
    username: str,
    email: Annotated[str, typer.Option(help="E-mail address; signs in too.")],
    name: Annotated[str, typer.Option(help="Name that colleagues see.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="Name of a role; may be repeated.")] = None,
    password_stdin: Annotated[bool, typer.Option(help="Read the password from the first line of the input.")] = False,
) -> None:
    """Add a person who may sign in; asks for the password."""
    from crm.commands.users import add

    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    typer.echo(add(_settings(), username=username, email=email, name=name, roles=role or [], password=password))


@app.command()
def doctor() -> None:
    """Check settings, folder, database, Redis, mail server and assistant, and say what to do."""
    from crm.commands.doctor import examine

    findings = examine(_settings())
    for finding in findings:
        typer.echo(f"{finding.state:<8} {finding.subject:<10} {finding.sentence}")
    raise typer.Exit(1 if any(finding.is_bad for finding in findings) else 0)


@app.command()
def openapi() -> None:
    """Print the API's description, OpenAPI 3.1 as JSON."""
    from crm.commands.data import openapi_document

    typer.echo(openapi_document())


if __name__ == "__main__":
    main()
