"""Templates that people wrote: what they may say, checked when they are saved, and how they are filled in.

A template reads fields of plain dictionaries and nothing else: no attribute of a Python object, no call, no
arithmetic, no loop inside a loop.  So what it costs is bounded by its own length and that of the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import copy_context
from functools import lru_cache
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crm import formats, i18n
from crm.errors import BadInput, invalid
from crm.mail.filters import FILTERS, TESTS, shown

#: name → None (a value), a group of names, or a list with one group (rows to loop over)
Known = Mapping[str, "Known | list[Known] | None"]
LARGEST = 200_000
UNFILLABLE = "The template cannot be filled in: %(why)s"
#: what an expression may raise that does not fit its values
BREAKS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError, AttributeError)
_UNREADABLE = "is not a template that can be read (line %(line)s): %(why)s"
_LIST = " (list)"
_NO_LIST = "can loop over lists only (line %(line)s): %(known)s"
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name, nodes.Getattr),
    *(nodes.Getitem, nodes.Const, nodes.Filter, nodes.Test, nodes.And, nodes.Or, nodes.Not, nodes.Compare),
    *(nodes.Operand, nodes.CondExpr, nodes.Concat, nodes.Keyword),
)
_WORDS = {"Call": "name()", "Mul": "*", "Add": "+", "Sub": "-", "Div": "/", "Pow": "**", "Mod": "%", "Assign": "set"}


class _Environment(ImmutableSandboxedEnvironment):
    """Reads keys of dictionaries; whatever is an attribute to Python does not exist here."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is dict and argument in obj:
            return obj[argument]
        return self.undefined(obj=obj, name=str(argument))

    def call(self, *_arguments: Any, **_options: Any) -> NoReturn:
        raise SecurityError("nothing can be called")


@lru_cache(maxsize=2)
def environment(html: bool) -> _Environment:
    """What templates are read and filled in with; `html`: values are escaped."""
    made = _Environment(
        autoescape=html, undefined=StrictUndefined, finalize=shown, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.clear()
    made.filters = dict(FILTERS)
    made.tests = {name: made.tests[name] for name in TESTS}
    return made


# ---------------------------------------------------------------------------------------------- filling in


def render(source: str, values: Mapping[str, Any], *, html: bool, language: str, zone: str) -> str:
    """`source` filled in, with dates, numbers and words as `language` writes them and times of `zone`.

    Raises BadInput: UNFILLABLE where the template does not fit the values, or that the mail would be too long.
    """
    return copy_context().run(_render, source, values, html, language, zone)


def _render(source: str, values: Mapping[str, Any], html: bool, language: str, zone: str) -> str:
    """In a context of its own, so that the language of the job or request stays what it was."""
    i18n.use(language)
    formats.use_zone(zone)
    made: list[str] = []
    size = 0
    try:
        for part in environment(html).from_string(source).generate(**values):
            size += len(part)
            if size > LARGEST:
                raise BadInput("The mail would be longer than %(most)s characters", most=LARGEST)
            made.append(part)
    except BREAKS as error:
        raise BadInput(UNFILLABLE, why=str(error)[:200]) from None
    return "".join(made)


# ---------------------------------------------------------------------------------------------- checking


def check(field: str, source: str, known: Known) -> None:
    """Raise BadInput that names the first thing `source` may not say, in branches that are never taken too."""
    try:
        tree = environment(False).parse(source)
    except (TemplateError, ValueError, RecursionError, MemoryError) as error:
        why, line = getattr(error, "message", None) or type(error).__name__, getattr(error, "lineno", 1)
        raise invalid(
            field, "is not a template that can be read (line %(line)s): %(why)s", line=line, why=why
        ) from None
    try:
        _Walk(field, known).all(tree)
    except RecursionError:
        raise invalid(field, "is nested too deep") from None


class _Walk:
    """Through every node of a template, each variable with its path."""

    def __init__(self, field: str, known: Known) -> None:
        self.field, self.known = field, known
        self.inside_loop = False

    def all(self, node: nodes.Node) -> None:
        for child in node.iter_child_nodes():
            self.one(child)

    def one(self, node: nodes.Node) -> None:
        if not isinstance(node, _ALLOWED):
            what = _WORDS.get(type(node).__name__, type(node).__name__.lower())
            raise invalid(self.field, "must not use '%(what)s' in line %(line)s", what=what, line=node.lineno)
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            return self._value(node)
        if isinstance(node, nodes.For):
            return self._loop(node)
        self._named(node, nodes.Filter, FILTERS, "filter")
        self._named(node, nodes.Test, TESTS, "test")
        self.all(node)

    def _named(self, node: nodes.Node, kind: type[nodes.Expr], known: Any, what: str) -> None:
        name = getattr(node, "name", "")
        if isinstance(node, kind) and name not in known:
            names = {"name": name, "known": ", ".join(sorted(known)), "what": what}
            raise invalid(self.field, "knows no %(what)s '%(name)s'; known are: %(known)s", **names)

    def _value(self, node: nodes.Node) -> None:
        if isinstance(self._find(node), Mapping | list):
            path = ".".join(path_of(node))
            options = ", ".join(sorted(_leaves(self._find(node), path)))
            raise invalid(self.field, "'%(name)s' is a group; choose one of: %(known)s", name=path, known=options)

    def _find(self, node: nodes.Node) -> Any:
        """What a path leads to; raises BadInput for one that leads nowhere."""
        found: Any = self.known
        path = path_of(node)
        for place, name in enumerate(path):
            if not isinstance(found, Mapping) or name not in found:
                group, before = (found, ".".join(path[:place])) if isinstance(found, Mapping) else (self.known, "")
                options = ", ".join(sorted(f"{before}.{option}" if before else option for option in group))
                names = {"name": ".".join(path), "known": options}
                raise invalid(self.field, "knows no variable '%(name)s'; known are: %(known)s", **names)
            found = found[name]
        return found

    def _loop(self, node: nodes.For) -> None:
        if self.inside_loop or node.recursive:
            raise invalid(self.field, "must not loop inside a loop (line %(line)s)", line=node.lineno)
        is_path = isinstance(node.iter, (nodes.Name, nodes.Getattr, nodes.Getitem))
        rows = self._find(node.iter) if is_path else None
        if not isinstance(rows, list) or not isinstance(node.target, nodes.Name):
            lists = ", ".join(sorted(_lists(self.known))) or "–"
            raise invalid(
                self.field, "can loop over lists only (line %(line)s): %(known)s", line=node.lineno, known=lists
            )
        inner = _Walk(self.field, {**self.known, node.target.name: rows[0]})
        inner.inside_loop = True
        for child in (*node.body, *([node.test] if node.test is not None else [])):
            inner.one(child)
        for child in node.else_:
            self.one(child)


def path_of(node: nodes.Node) -> list[str]:
    """`contact.name` and `contact["name"]` → ["contact", "name"]"""
    if isinstance(node, nodes.Name):
        return [node.name]
    if isinstance(node, nodes.Getattr):
        return [*path_of(node.node), node.attr]
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return [*path_of(node.node), str(node.arg.value)]
    return ["?"]


def _leaves(known: Any, before: str = "") -> Iterator[str]:
    """Every value's whole name."""
    if isinstance(known, Mapping):
        for name, inner in known.items():
            yield from _leaves(inner, f"{before}.{name}" if before else name)
    elif isinstance(known, list):
        yield f"{before}{_LIST}"
    else:
        yield before


def names_of(known: Known) -> list[str]:
    """`contact.email`, `contact.name`, …: what a page lists for those who write templates."""
    return sorted(name for name in _leaves(known) if not name.endswith(_LIST))


def lists_of(known: Known) -> list[str]:
    """`opportunity.lines`: what a template can loop over."""
    return sorted(_lists(known))


def _lists(known: Any, before: str = "") -> Iterator[str]:
    if isinstance(known, Mapping):
        for name, inner in known.items():
            yield from _lists(inner, f"{before}.{name}" if before else name)
    elif isinstance(known, list):
        yield before
