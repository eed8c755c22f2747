"""The one declaration per entity, its registry, and the business verbs that hang on it.

`Entity` does nothing by itself: REST, OpenAPI, panel, permissions, scope, export, audit and the contract tests each
read the registry.  `@operation` declares a verb beyond create, update and delete; `@rule` a check before saving.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from crm.names import plural

Verb = Literal["create", "update", "delete"]
ALL_VERBS: tuple[Verb, ...] = ("create", "update", "delete")
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Entity:
    """How one stored thing is named, shown, edited, searched, filtered, exported, owned and audited.

    Names in `list`, `form`, `search`, `filters`, `sort`, `export` are columns (`customer_id`) or to-many relations
    (`tags`).  What `filters`, `sort` and `order` name must have an index.  Rows belong to the user in `owner` (and to
    the team in `team_id`, where there is one), or to whoever sees the record behind `through`; with neither, everyone
    with the permission sees all rows.  `through="record"` (of what is `Linked`) is a reach besides the owner's: whoever
    sees the linked record sees the row, and whoever may change the record may change the row.
    """

    section: str
    icon: str
    list: tuple[str, ...]
    form: tuple[str, ...] = ()
    label: str = "name"
    search: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    order: str = "-created_at"
    export: tuple[str, ...] = ()
    owner: str = ""
    through: str = ""
    verbs: tuple[Verb, ...] = ALL_VERBS
    #: one permission for every verb (`manage_roles`), instead of one a verb
    manage: str = ""
    #: reading needs a token and no permission
    open_read: bool = False
    #: verbs that only the owner may do: what such a record does is done with its owner's rights
    owner_alone: tuple[str, ...] = ()
    #: never shown, exported or filtered; masked in the audit
    secret: tuple[str, ...] = ()
    audit: bool = True
    #: reached by the generated REST routes (False: by routes of its own, or the panel alone)
    api: bool = True


#: `through` the record that `record_type` and `record_id` name
RECORD = "record"

#: entity name (the table's) → mapped class; filled when a model class is made
REGISTRY: dict[str, type[Any]] = {}


def entity_of(model: type[Any]) -> Entity:
    entity: Entity = model.__entity__
    return entity


def name_of(model: type[Any]) -> str:
    """`opportunity_history`: the table's name is the entity's."""
    name: str = model.__tablename__
    return name


def plural_of(model: type[Any]) -> str:
    return plural(name_of(model))


def path_of(model: type[Any]) -> str:
    """The REST path and the panel's heading use the plural: `category-types`."""
    return plural_of(model).replace("_", "-")


def title_of(model: type[Any]) -> str:
    """`Category type`: the English name, and the message id of its translation."""
    return name_of(model).replace("_", " ").capitalize()


def titles_of(model: type[Any]) -> str:
    return plural_of(model).replace("_", " ").capitalize()


def permission(model: type[Any], verb: str) -> str | None:
    """`view_contacts`, `create_contact`, `win_opportunity`; None where a token is enough.

    Views, exports and imports speak of many (plural), everything else of one, as document 004 has it.
    """
    entity = entity_of(model)
    if verb == "view" and entity.open_read:
        return None
    if entity.manage:
        return entity.manage
    many = verb in ("view", "export", "import", "purge")
    return f"{verb}_{plural_of(model) if many else name_of(model)}"


# ---------------------------------------------------------------------------------------------- operations


@dataclass(frozen=True)
class Operation:
    """A business verb of one entity: `run(session, record, *, options)` in a service file.

    Shown as a button where `when(record)` holds; `tone` is `good`, `danger` or empty; `icon` a Tabler name.
    """

    model: type[Any]
    verb: str
    run: Callable[..., Any]
    icon: str = "bolt"
    tone: str = ""
    when: Callable[[Any], bool] | None = None

    @property
    def permission(self) -> str:
        """`win_opportunity`"""
        return permission(self.model, self.verb) or f"{self.verb}_{name_of(self.model)}"

    @property
    def options(self) -> tuple[inspect.Parameter, ...]:
        """The keyword-only parameters, with their annotations evaluated."""
        parameters = inspect.signature(self.run, eval_str=True).parameters.values()
        return tuple(p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)

    @property
    def doc(self) -> str:
        return (inspect.getdoc(self.run) or "").partition("\n")[0]


#: entity name → verb → operation
OPERATIONS: dict[str, dict[str, Operation]] = {}


def operation(
    model: type[Any], *, icon: str = "bolt", tone: str = "", when: Callable[[Any], bool] | None = None
) -> Callable[[Function], Function]:
    """Declare a business verb: its permission, `POST /api/<plural>/{id}/<verb>`, panel button and audit action."""

    def declare(run: Function) -> Function:
        made = Operation(model, run.__name__, run, icon, tone, when)
        OPERATIONS.setdefault(name_of(model), {})[made.verb] = made
        return run

    return declare


def operations_of(model: type[Any]) -> dict[str, Operation]:
    return OPERATIONS.get(name_of(model), {})


# ---------------------------------------------------------------------------------------------- rules

#: entity name → checks that `services.records` runs before it flushes: rule(session, record, changed names)
RULES: dict[str, list[Callable[..., None]]] = {}


def rule(model: type[Any]) -> Callable[[Function], Function]:
    """Declare a check or a derivation run before a record of `model` is saved, whichever door it came through.

    The function takes `(session, record, changed)`; `changed` is the frozenset of attribute names that were sent.
    A new record has no `id` yet.
    """

    def declare(check: Function) -> Function:
        RULES.setdefault(name_of(model), []).append(check)  # type: ignore[arg-type]
        return check

    return declare


def rules_of(model: type[Any]) -> list[Callable[..., None]]:
    return RULES.get(name_of(model), [])


# ---------------------------------------------------------------------------------------------- extras


@dataclass(frozen=True)
class Extra:
    """Something that may be sent along with a record and is no column of it, such as the reminders of a task.

    `annotation` is its type for pydantic; `write(session, record, value)` runs after the record is flushed.
    """

    name: str
    annotation: Any
    doc: str
    write: Callable[..., None]


#: entity name → name → extra input of create and update
EXTRAS: dict[str, dict[str, Extra]] = {}


def extra(model: type[Any], name: str, annotation: Any, doc: str) -> Callable[[Function], Function]:
    """Declare an extra input, for every door; the function below it writes what was sent."""

    def declare(write: Function) -> Function:
        EXTRAS.setdefault(name_of(model), {})[name] = Extra(name, annotation, doc, write)  # type: ignore[arg-type]
        return write

    return declare


def extras_of(model: type[Any]) -> dict[str, Extra]:
    return EXTRAS.get(name_of(model), {})
