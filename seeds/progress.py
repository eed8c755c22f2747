"""How far a loader is: the function it calls, and a bar on the terminal that is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress(Protocol):
    """Called with what is being loaded, how many rows of it are done, and how many there are."""

    def __call__(self, what: str, done: int, total: int, /) -> None: ...


def silent(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@contextmanager
def shown() -> Iterator[Progress]:
    """A bar for each thing that is loaded, on standard error; without a terminal, its last state only."""
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        lines = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in lines:
                lines[what] = bars.add_task(what.capitalize(), total=total)
            bars.update(lines[what], completed=done, total=total)

        yield show
