"""Every text the panel may show, as message ids with where each stands; `python -m tests.messages` adds new ones to
the Chinese catalogue, untranslated, so that a test fails until somebody translates them.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

import crm
import crm.errors
import crm.services
from crm import entity, schemas
from crm.actor import Scope
from crm.errors import CrmError, StartError
from crm.fields import fields_of, models
from crm.i18n import LOCALE_DIR
from crm.names import words
from crm.services import news, notification_kinds, permissions
from seeds.initial import classification, sales

ROOT = Path(crm.__file__).parent
CHINESE = LOCALE_DIR / "zh" / "LC_MESSAGES" / "crm.po"
Message = tuple[str, str]


def every() -> dict[str, str]:
    """Message id → where it was found first."""
    load_all()
    found: dict[str, str] = {}
    for text, place in (*_declared(), *_operations(), *_rights(), *_sentences(), *_called(), *_in_templates()):
        if text.strip():
            found.setdefault(text, place)
    return found


def load_all() -> None:
    """Import every service: operations and rules are declared there."""
    for module in pkgutil.iter_modules(crm.services.__path__, "crm.services."):
        importlib.import_module(module.name)


def _declared() -> Iterator[Message]:
    """Names, labels, hints and values of entities; what is said when a unique index is violated."""
    for model in models():
        place = entity.name_of(model)
        yield entity.title_of(model), place
        yield entity.titles_of(model), place
        yield entity.entity_of(model).section, place
        for field in fields_of(model).values():
            yield field.label, f"{place}.{field.name}"
            yield field.doc, f"{place}.{field.name}"
            for member in field.choices or ():
                yield words(member.value), f"{place}.{field.name}"
        for index in model.__table__.indexes:
            yield index.info.get("message", ""), f"{place}: {index.name}"


def _operations() -> Iterator[Message]:
    """Business verbs with their options, and what the audit calls the ordinary ones."""
    for action in ("create", "update", "delete", "restore", "purge"):
        yield words(action), "crm/audit.py"
    for model in models():
        for operation in entity.operations_of(model).values():
            place = f"{entity.name_of(model)}: {operation.verb}"
            yield words(operation.verb), place
            yield operation.doc, place
            for option in operation.options:
                yield words(option.name), place


def _rights() -> Iterator[Message]:
    for name, right in permissions.rights().items():
        yield right.description, f"permission {name}"
        yield words(right.action), f"permission {name}"
    for scope in Scope:
        yield words(scope), "crm/actor.py"


def _sentences() -> Iterator[Message]:
    """What input may be wrong with, and the names of what every installation begins with."""
    for name, *_rest in (*sales.STAGES, *sales.LOST_REASONS, (sales.PIPELINE,)):
        yield name, "seeds/initial/sales.py"
    for tree in (classification.TYPES, classification.INDUSTRIES, classification.SOURCES):
        for name in (*tree, *(below for names in tree.values() for below in names)):
            yield name, "seeds/initial/classification.py"
    for text in schemas._SENTENCES.values():
        yield text, "crm/schemas.py"
    for kind in notification_kinds.KINDS.values():
        yield kind.label, "crm/services/notification_kinds.py"
    for text in (*news.TITLES.values(), news.ASSIGNED_MANY):
        yield text, "crm/services/news.py"


def _called() -> Iterator[Message]:
    """First texts of gettext calls and of errors, literal or a constant of the module; commands speak English."""
    errors = [name for name, kind in vars(crm.errors).items() if _is_error(kind)]
    places = dict.fromkeys(["_", "gettext", "lazy", *errors], 0)
    places |= {"field_error": 1, "invalid": 1, "PydanticCustomError": 1, "translate": 1}
    left_out = ("commands", "supervisor", "cli.py", "migrations")
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] not in left_out:
            tree = ast.parse(path.read_text())
            yield from _texts(tree, places, str(path.relative_to(ROOT.parent)))


def _texts(tree: ast.Module, places: dict[str, int], name: str) -> Iterator[Message]:
    constants = _constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if called in places and len(node.args) > places[called]:
            argument = node.args[places[called]]
            text = getattr(argument, "value", None) or constants.get(getattr(argument, "id", ""))
            if isinstance(text, str):
                yield text, f"{name}:{node.lineno}"


def _constants(tree: ast.Module) -> dict[str, object]:
    """Names that the module gives to texts: `STALE = "…"`, `A, B = "…", "…"`."""
    found: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names, values = _parts(node.targets[0]), _parts(node.value)
            found |= {getattr(n, "id", ""): getattr(v, "value", None) for n, v in zip(names, values, strict=False)}
    return found


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _is_error(kind: object) -> bool:
    return inspect.isclass(kind) and issubclass(kind, CrmError) and kind is not StartError


def _in_templates() -> Iterator[Message]:
    for path in sorted([*ROOT.rglob("templates/**/*.html"), *ROOT.rglob("mail/templates/*.txt")]):
        with path.open("rb") as file:
            for line, message, _comments, _context in extract("jinja2", file, keywords={"_": None, "gettext": None}):
                text = message[-1] if isinstance(message, tuple) else message
                if isinstance(text, str):
                    yield text, f"{path.relative_to(ROOT.parent)}:{line}"


def chinese() -> Catalog:
    """The catalogue as it lies in the file."""
    if not CHINESE.exists():
        return Catalog(locale="zh_Hans_CN", project="crm", charset="utf-8")
    with CHINESE.open("rb") as file:
        return read_po(file, locale="zh")


def update() -> int:
    """Add what is missing and drop what is used no more; returns how many texts wait for a translation."""
    old, wanted = chinese(), every()
    new = Catalog(locale="zh", project="crm", charset="utf-8", fuzzy=False)
    for text in sorted(wanted, key=lambda t: (wanted[t].partition(":")[0], t.casefold())):
        known = old.get(text)
        new.add(text, known.string if known else "", flags=known.flags if known else ())
    CHINESE.parent.mkdir(parents=True, exist_ok=True)
    draft = CHINESE.with_suffix(".draft")  # nobody must find the file half written, and take it for the whole
    with draft.open("wb") as out:
        write_po(out, new, width=116, omit_header=False, no_location=True)
    draft.replace(CHINESE)
    return sum(not message.string for message in new if message.id)


if __name__ == "__main__":
    raise SystemExit(f"{update()} texts wait for a translation in {CHINESE}")
