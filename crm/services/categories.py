"""Categories: trees of any depth, one a type; `path` (/1/4/9/) makes a subtree one range of an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, event, func, inspect, select, update
from sqlalchemy.orm import Mapper, Session

from crm import access
from crm.entity import rule, title_of, titles_of
from crm.errors import BadInput, Conflict, invalid
from crm.fields import models
from crm.models.category import Category
from crm.models.category_type import CategoryType
from crm.services import records

Node = dict[str, Any]
_UNSCOPED = {"unscoped": True}


def tree(session: Session, type_id: int) -> list[Node]:
    """The live categories of a type as nested nodes, siblings by `sort`, then by number; one select.

    A root has `children` and no `parent_id`; below, `children` stands only where there are some.
    """
    names = ("id", "name", "code", "type_id", "parent_id", "sort", "description")
    columns = [getattr(Category, name) for name in names]
    wanted = select(*columns).where(Category.type_id == type_id).order_by(Category.sort, Category.id)
    nodes = {row.id: dict(row._mapping) for row in session.execute(wanted)}
    roots = []
    for node in nodes.values():
        above = nodes.get(node["parent_id"])
        if above is None:  # also where the node above lies in the trash
            roots.append(node)
        else:
            above.setdefault("children", []).append(node)
    for root in roots:
        del root["parent_id"]
        root.setdefault("children", [])
    return roots


def subtree(session: Session, category: Category) -> list[int]:
    """Numbers of the category and of all below it."""
    below = select(Category.id).where(*_range(category.path)).order_by(Category.path)
    return list(session.scalars(below))


# ---------------------------------------------------------------------------------------------- rules


@rule(Category)
def _one_tree_a_type(session: Session, category: Category, changed: frozenset[str]) -> None:
    if not records.is_new(category) and inspect(category).attrs.type_id.history.deleted:
        raise invalid("typeId", "the type of a category cannot be changed")
    if records.is_new(category):
        _wait_for_moves(session, category.type_id)
    if category.parent_id is None or "parent_id" not in changed:
        return
    kind = session.scalar(select(Category.type_id).where(Category.id == category.parent_id))
    if kind != category.type_id:
        raise invalid("parentId", "the parent must be a category of the same type")


@rule(Category)
def _move_with_all_below(session: Session, category: Category, changed: frozenset[str]) -> None:
    """Refuse a circle; give the category and all below it their new paths, in one statement."""
    moved = inspect(category).attrs.parent_id.history.has_changes()
    if records.is_new(category) or "parent_id" not in changed or not moved:
        return
    # one move a type at a time: two moves could close a circle that neither sees
    session.execute(_lock(category.type_id), execution_options=_UNSCOPED)
    old = session.scalar(select(Category.path).where(Category.id == category.id), execution_options=_UNSCOPED) or ""
    above = _path_of(session.connection(), category.parent_id)
    if above.startswith(old):
        raise invalid("parentId", "a category cannot be moved below itself")
    new = f"{above}{category.id}/"
    follow = update(Category).where(*_range(old)).values(path=new + func.substr(Category.path, len(old) + 1))
    session.execute(follow, execution_options=_UNSCOPED | {"synchronize_session": False})
    for known in session.identity_map.values():
        if isinstance(known, Category):
            session.expire(known, ["path"])


def _lock(type_id: Any) -> Any:
    return select(CategoryType.id).where(CategoryType.id == type_id).with_for_update(key_share=True)


def _lock_tree(session: Session, key: int) -> None:
    """The tree before the node: a move writes nodes that others may hold, and would wait for each other forever."""
    kind = select(Category.type_id).where(Category.id == key).scalar_subquery()
    session.execute(_lock(kind), execution_options=_UNSCOPED)


access.LOCKED_FIRST[Category] = _lock_tree


def _wait_for_moves(session: Session, type_id: int) -> None:
    """Nodes may come in at the same time, but not while a branch moves, and not below a type that goes."""
    held = select(CategoryType.id).where(CategoryType.id == type_id).with_for_update(read=True)
    if session.scalar(held) is None:
        raise invalid("typeId", "%(what)s not found", what=title_of(CategoryType))


def _range(path: str) -> tuple[Any, Any]:
    """Paths that begin with `path`, as one range of the index: '0' is the character after '/'."""
    return Category.path >= path, Category.path < f"{path[:-1]}0"


@event.listens_for(Category, "after_insert")
def _first_path(_mapper: Mapper[Any], connection: Connection, category: Category) -> None:
    """The number is known only now."""
    path = f"{_path_of(connection, category.parent_id)}{category.id}/"
    table = inspect(Category).local_table
    connection.execute(update(table).where(table.c.id == category.id).values(path=path))  # type: ignore[arg-type]
    inspect(category).dict["path"] = path


def _path_of(connection: Connection, category_id: int | None) -> str:
    if category_id is None:
        return "/"
    table = inspect(Category).local_table
    return connection.execute(select(table.c.path).where(table.c.id == category_id)).scalar_one()  # type: ignore[no-any-return]


@records.guard_delete(Category)
def _no_children(session: Session, category: Category) -> None:
    if session.scalar(select(Category.id).where(Category.parent_id == category.id).limit(1)) is not None:
        raise BadInput("Cannot delete category with children")


@records.guard_delete(Category)
def _not_in_use(session: Session, category: Category) -> None:
    """What is classified by it keeps it; counted over all that live, whoever may see them."""
    for model, column in _uses():
        rows = select(func.count(model.id)).where(column == category.id, access.in_trash(model, "live"))
        if count := session.scalar(rows, execution_options=_UNSCOPED):
            raise Conflict(
                "Cannot delete category: it is in use (%(what)s: %(count)s)", what=titles_of(model), count=count
            )


def _uses() -> Iterator[tuple[type[Any], Any]]:
    """(model, column) of everything that is classified by a category."""
    for model in models():
        for relation in inspect(model).relationships:
            if relation.mapper.class_ is Category and model is not Category and not relation.uselist:
                yield model, next(iter(relation.local_columns))
