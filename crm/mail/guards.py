"""Where a template breaks on a value that is empty for some record, in branches that no trial takes too.

Each expression is tried by itself, with what the branch around it guarantees, once for every choice of its variables
that may be empty: `{% if a and a > 1 %}` stands an empty `a`, `{% if b and a > 1 %}` does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from jinja2 import nodes

from crm import formats, i18n
from crm.errors import BadInput
from crm.mail import sandbox

#: expressions of one text, and variables of one expression, that are tried one by one
MOST = 500
_MOST_VARIABLES = 6
_VARIABLES = (nodes.Name, nodes.Getattr, nodes.Getitem)
_RISKY = (nodes.Compare, nodes.Test, nodes.Filter, nodes.Concat)
#: of nothing they make an empty text
_KEEPING = frozenset({"capitalize", "date", "lower", "money", "percent", "title", "trim", "truncate", "upper"})
Names = frozenset[str]
_NONE: Names = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    """`name` is the variable that must not be empty; without one the expression breaks whatever is filled in."""

    line: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class _Expression:
    """`sure`: variables that are not empty where it stands; `rows`: loop variable → its list."""

    node: nodes.Expr
    sure: Names
    rows: tuple[tuple[str, str], ...]


def failure(source: str, values: Mapping[str, Any], empty: Mapping[str, Any], *, html: bool) -> Failure | None:
    """The first expression of a checked `source` that breaks with `values`, or with some that are None in `empty`."""
    return copy_context().run(_failure, source, values, empty, html)


def _failure(source: str, values: Mapping[str, Any], empty: Mapping[str, Any], html: bool) -> Failure | None:
    i18n.use("en")
    formats.use_zone("UTC")
    seen: set[tuple[str, Names]] = set()
    for one in _expressions(sandbox.environment(html).parse(source).body, _NONE, ()):
        known = {**values, **{target: next(iter(_at(values, path)), None) for target, path in one.rows}}
        names = {".".join(sandbox.path_of(node)) for node in _variables(one.node)}
        names = {name for name in names if name.partition(".")[0] not in dict(one.rows)}
        loose = frozenset(name for name in names - one.sure if _at(empty, name) is None)
        is_reached = None not in known.values() and all(_at(values, name) is not None for name in names & one.sure)
        if not is_reached or (repr(one.node), loose) in seen:
            continue
        seen.add((repr(one.node), loose))
        if len(seen) > MOST:
            raise BadInput("A template may have at most %(most)s different expressions", most=MOST)
        if unwritten := _unwritten(one.node, loose):
            return unwritten
        unset = [name for name in sorted(names) if _at(values, name) is None]
        if found := _try(one.node, known, loose, unset, html):
            return found
    return None


def _try(node: nodes.Expr, values: Mapping[str, Any], loose: Names, unset: list[str], html: bool) -> Failure | None:
    """With nothing empty (but what is `unset` anyway), then each alone, then more at once."""
    template = sandbox.environment(html).from_string(nodes.Template([nodes.Output([node])], lineno=1))
    for gone in _choices(sorted(loose)):
        try:
            template.render(_without(values, gone))
        except sandbox.BREAKS as error:
            return Failure(node.lineno, next(iter(gone or unset), ""), str(error)[:200])
    return None


def _unwritten(node: nodes.Expr, loose: Names) -> Failure | None:
    """`'Dear ' ~ name` breaks on nothing: of an empty name it makes "Dear None"."""
    parts = node.nodes if isinstance(node, nodes.Concat) else []
    names = [".".join(sandbox.path_of(part)) for part in parts if isinstance(part, _VARIABLES)]
    return next((Failure(node.lineno, name, "") for name in names if name in loose), None)


def _choices(names: list[str]) -> Iterator[list[str]]:
    sizes = range(len(names) + 1) if len(names) <= _MOST_VARIABLES else (0, 1, 2, len(names))
    for size in sizes:
        yield from map(list, combinations(names, size))


def _without(values: Mapping[str, Any], gone: list[str]) -> dict[str, Any]:
    made = {name: dict(inner) if isinstance(inner, Mapping) else inner for name, inner in values.items()}
    for name in gone:
        group, _, field = name.partition(".")
        made[group][field] = None
    return made


def _at(values: Mapping[str, Any], name: str) -> Any:
    """What a whole name leads to; an empty list for what it does not reach, which is never empty."""
    found: Any = values
    for part in name.split("."):
        found = found.get(part, []) if isinstance(found, Mapping) else []
    return found


# ---------------------------------------------------------------------------------------------- where expressions stand


def _expressions(body: list[nodes.Node], sure: Names, rows: tuple[tuple[str, str], ...]) -> Iterator[_Expression]:
    for node in body:
        if isinstance(node, nodes.Output):
            for inner in node.nodes:
                yield from _parts(inner, sure, rows)
        elif isinstance(node, nodes.If):
            yield from _branches(node, sure, rows)
        elif isinstance(node, nodes.For):
            yield from _loop(node, sure, rows)


def _branches(node: nodes.If, sure: Names, rows: tuple[tuple[str, str], ...]) -> Iterator[_Expression]:
    for branch in (node, *node.elif_):
        yield from _parts(branch.test, sure, rows)
        yield from _expressions(branch.body, sure | _filled(branch.test, True), rows)
        sure |= _filled(branch.test, False)
    yield from _expressions(node.else_, sure, rows)


def _loop(node: nodes.For, sure: Names, rows: tuple[tuple[str, str], ...]) -> Iterator[_Expression]:
    target = str(getattr(node.target, "name", ""))
    inner = (*rows, (target, ".".join(sandbox.path_of(node.iter))))
    within = frozenset(name for name in sure if name.partition(".")[0] != target)
    if node.test is not None:
        yield from _parts(node.test, within, inner)
        within |= _filled(node.test, True)
    yield from _expressions(node.body, within, inner)
    yield from _expressions(node.else_, sure, rows)


def _parts(node: nodes.Node, sure: Names, rows: tuple[tuple[str, str], ...]) -> Iterator[_Expression]:
    """The expressions that are made one by one: what stands behind an `and` knows what stands before it."""
    if isinstance(node, (nodes.And, nodes.Or)):
        yield from _parts(node.left, sure, rows)
        yield from _parts(node.right, sure | _filled(node.left, isinstance(node, nodes.And)), rows)
    elif isinstance(node, nodes.CondExpr):
        yield from _parts(node.test, sure, rows)
        yield from _parts(node.expr1, sure | _filled(node.test, True), rows)
        if node.expr2 is not None:
            yield from _parts(node.expr2, sure | _filled(node.test, False), rows)
    else:
        for inner in node.iter_child_nodes():
            yield from _parts(inner, sure, rows)
        if isinstance(node, _RISKY):
            yield _Expression(node, sure, rows)


def _filled(test: nodes.Node, outcome: bool) -> Names:
    """The variables that are not empty where `test` came out like this."""
    if isinstance(test, nodes.Not):
        return _filled(test.node, not outcome)
    if isinstance(test, (nodes.And, nodes.Or)):
        left, right = _filled(test.left, outcome), _filled(test.right, outcome)
        return left | right if isinstance(test, nodes.And) is outcome else left & right
    if isinstance(test, nodes.Filter) and test.name in _KEEPING and test.node is not None:
        return _filled(test.node, True) if outcome else _NONE
    if isinstance(test, _VARIABLES):
        return frozenset({".".join(sandbox.path_of(test))}) if outcome else _NONE
    compared = _compared_with_none(test)
    return frozenset({compared[0]}) if compared is not None and compared[1] is not outcome else _NONE


def _compared_with_none(test: nodes.Node) -> tuple[str, bool] | None:
    """(variable, whether the test is true of an empty one) of `x is none`, `x == none`, `x != none`, `x == 5`."""
    if isinstance(test, nodes.Test) and test.name == "none" and isinstance(test.node, _VARIABLES):
        return ".".join(sandbox.path_of(test.node)), True
    if not isinstance(test, nodes.Compare) or len(test.ops) != 1 or not isinstance(test.expr, _VARIABLES):
        return None
    operand = test.ops[0]
    if operand.op not in ("eq", "ne") or not isinstance(operand.expr, nodes.Const):
        return None
    return ".".join(sandbox.path_of(test.expr)), (operand.expr.value is None) is (operand.op == "eq")


def _variables(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, _VARIABLES):
        yield node
        return
    for inner in node.iter_child_nodes():
        yield from _variables(inner)
