"""Full-text search that finds two Chinese characters: our own words in a text column, each database's own index on it.

Latin text is cut into lower-case words; Chinese, Japanese and Korean runs into single characters and pairs.  SQLite
indexes the column with FTS5, PostgreSQL with GIN over the words as an array: no extension, no dictionary.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, false
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import Boolean, TypeDecorator

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
_TEXT_LIMIT = 4000
#: a telephone number as people write it, and how many digits make one
_NUMBER = re.compile(r"(?<!\w)[+(]?\d[\d\s()./-]*\d(?!\w)")
_FEWEST_DIGITS, _MOST_DIGITS = 6, 15
#: begins a word that is not the row's own but of a record it points at; nobody types it, both indexes take it
MARK = "\ue000"


def _runs(text: str) -> Iterator[str]:
    yield from _RUN.findall(unicodedata.normalize("NFKC", text).casefold())


def index_text(values: Iterable[object]) -> str:
    """The words of `values` as one space-separated text, each once, at most 4,000 characters."""
    seen: dict[str, None] = {}
    for value in values:
        text = str(value) if value else ""
        for run in (*_runs(text), *_whole_number(text)):
            seen.update(dict.fromkeys(_words(run)))
    return " ".join(seen)[:_TEXT_LIMIT]


def with_referred(words: str, labels: Iterable[object]) -> str:
    """The row's own `words`, and marked ones for what the records it points at are called."""
    marked = [MARK + word for word in index_text(labels).split()]
    return " ".join([*own_words(words), *marked])


def own_words(text: str) -> list[str]:
    """The words of a search text that are the row's own."""
    return [word for word in text.split() if not word.startswith(MARK)]


def referred_words(text: str) -> list[str]:
    """The others, with their marks."""
    return [word for word in text.split() if word.startswith(MARK)]


def _words(run: str) -> list[str]:
    if _IS_CJK.match(run):
        return [*run, *_pairs(run)]
    if run.isdigit() and len(run) >= 9:  # a telephone number is also known without its country code
        return [run, run[1:], run[2:], run[3:]]
    return [run]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _terms(text: str) -> list[tuple[str, bool]]:
    """The words of what a user typed, as (word, is it a prefix)."""
    terms: list[tuple[str, bool]] = []
    for run in _runs(text[:200]):
        if _IS_CJK.match(run):
            terms += [(pair, False) for pair in _pairs(run) or [run]]
        else:
            terms.append((run, True))
    return terms[:16]


def _parts(text: str) -> list[tuple[str, list[tuple[str, bool]]]]:
    """What a user typed in parts: (digits of a telephone number or empty, the words of the part)."""
    text, parts, at = unicodedata.normalize("NFKC", text[:200]), list[tuple[str, list[tuple[str, bool]]]](), 0
    for found in _NUMBER.finditer(text):
        if digits := _digits(found[0]):
            parts += [("", _terms(text[at : found.start()])), (digits, _terms(found[0]))]
            at = found.end()
    return [(digits, terms) for digits, terms in (*parts, ("", _terms(text[at:]))) if terms]


def _digits(number: str) -> str:
    """`+49 (0)30 90-18`, `0049 30 9018` and `030 9018` without what countries put before a number; empty if it is
    none.
    """
    digits = "".join(c for c in number.replace("(0)", "") if c.isdecimal())
    digits = digits.removeprefix("00") if digits.startswith("00") else digits.removeprefix("0")
    return digits if _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS else ""


def _whole_number(text: str) -> list[str]:
    """A value that is a telephone number, as the digits it is asked for by."""
    plain = unicodedata.normalize("NFKC", text).strip()
    digits = _digits(plain) if len(plain) <= 40 and _NUMBER.fullmatch(plain) else ""
    return [digits] if digits else []


class _Query(TypeDecorator[str]):
    """Binds what the user typed as the query language of the database; words never contain its operators."""

    impl = Text
    cache_ok = True

    def __init__(self, referred: bool = False) -> None:  # SQLAlchemy's cache knows arguments by place only
        self.referred = referred
        super().__init__()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:
        is_sqlite = dialect.name == "sqlite"
        quote, prefix, both, either = ('"', "*", " AND ", " OR ") if is_sqlite else ("'", ":*", " & ", " | ")
        marks = ("", MARK) if self.referred else ("",)

        def word(text: str, is_prefix: bool) -> str:
            ways = [f"{quote}{mark}{text}{quote}{prefix if is_prefix else ''}" for mark in marks]
            return ways[0] if len(ways) == 1 else f"({either.join(ways)})"

        def told(terms: list[tuple[str, bool]]) -> str:
            return both.join(word(text, is_prefix) for text, is_prefix in terms)

        asked = [
            f"({told([(digits, True)])}{either}({told(terms)}))" if digits else told(terms)
            for digits, terms in _parts(value or "")
        ]
        return both.join(asked)


class _Matches(ColumnElement[bool]):
    """`row matches query` on the index of the row's table."""

    #: what the kept text of a statement depends on; SQLAlchemy copies and walks it by the same list
    _traverse_internals = [
        ("entity", InternalTraversal.dp_string),
        ("key_column", InternalTraversal.dp_clauseelement),
        ("words", InternalTraversal.dp_clauseelement),
        ("query", InternalTraversal.dp_clauseelement),
    ]
    type = Boolean()

    def __init__(
        self, table: str, key: ColumnElement[Any], text: ColumnElement[Any], query: BindParameter[str]
    ) -> None:
        self.entity, self.key_column, self.words, self.query = table, key, text, query


@compiles(_Matches, "sqlite")
def _fts5(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    index = f"{element.entity}_search"
    key, query = compiler.process(element.key_column, **kw), compiler.process(element.query, **kw)
    return f"{key} IN (SELECT rowid FROM {index} WHERE {index} MATCH {query})"


@compiles(_Matches, "postgresql")
def _gin(element: _Matches, compiler: SQLCompiler, **kw: Any) -> str:
    text, query = compiler.process(element.words, **kw), compiler.process(element.query, **kw)
    return f"array_to_tsvector(string_to_array({text}, ' ')) @@ CAST({query} AS tsquery)"


def is_searchable(typed: str) -> bool:
    """Whether there is any word in what was typed."""
    return bool(_terms(typed))


def matches(model: type[Any], typed: str, *, name: str | None = None, referred: bool = False) -> ColumnElement[bool]:
    """Rows of `model` in which every word of `typed` occurs; a Latin word also as the beginning of a longer one.

    With `name`, the text is a bind parameter of that name, for statements that are built once.  `referred`: words of
    the records the row points at count as well; who may see those is for `crm.finding` to ask.
    """
    if not _terms(typed):
        return false()
    query = BindParameter(name, typed, type_=_Query(referred), unique=name is None)
    return _Matches(model.__tablename__, model.id, model.search_text, query)


def search_ddl(table: str, dialect: str) -> list[str]:
    """The statements that make the index of `table.search_text` (migrations and `create_all` use the same)."""
    index = f"{table}_search"
    if dialect == "postgresql":
        return [
            f'CREATE INDEX ix_{table}_search ON "{table}" '
            f"USING gin (array_to_tsvector(string_to_array(search_text, ' '))) WITH (fastupdate = off)"
        ]
    gone = f"INSERT INTO {index}({index}, rowid, search_text) VALUES ('delete', old.id, old.search_text);"
    come = f"INSERT INTO {index}(rowid, search_text) VALUES (new.id, new.search_text);"
    return [
        f"CREATE VIRTUAL TABLE {index} USING fts5(search_text, content='{table}', content_rowid='id', "
        f"tokenize='unicode61 remove_diacritics 0')",
        f'CREATE TRIGGER {index}_ai AFTER INSERT ON "{table}" BEGIN {come} END',
        f'CREATE TRIGGER {index}_ad AFTER DELETE ON "{table}" BEGIN {gone} END',
        f'CREATE TRIGGER {index}_au AFTER UPDATE OF search_text ON "{table}" BEGIN {gone} {come} END',
    ]


def is_search_table(name: str) -> bool:
    """FTS5 keeps its data in shadow tables that no model declares."""
    return "_search" in name
