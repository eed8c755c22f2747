"""What became of the rows of the data set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from crm.names import plural


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that could not be loaded: the file, the line in it (the head is line 1), and why, in a sentence."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


@dataclass
class Report:
    """Rows that are new, rows that were there before (both by entity name), and rows that could not be loaded."""

    added: Counter[str] = field(default_factory=Counter)
    present: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        """`14,277 opportunities added, 97 customers already there, 2 rows could not be loaded`"""
        told = [f"{_counted(count, name)} added" for name, count in self.added.items() if count]
        told += [f"{_counted(count, name)} already there" for name, count in self.present.items() if count]
        if self.problems:
            told.append(f"{_counted(len(self.problems), 'row')} could not be loaded")
        return ", ".join(told) or "nothing to load"


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name if count == 1 else plural(name)}"
