"""Who belongs to a group: kept on the contacts, so every change is a change of the contact, audited as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from crm.entity import name_of, title_of
from crm.errors import invalid
from crm.models.contact import Contact
from crm.models.contact_group import ContactGroup
from crm.models.tag import Tag
from crm.services import records
from crm.services.chunks import chunks


def add_members(session: Session, group: ContactGroup, contact_ids: Sequence[int]) -> int:
    """Put these contacts into the group; how many were not in it yet.  BadInput if one of them is not visible."""
    return put(session, Contact, contact_ids, "groups", group)


def remove_members(session: Session, group: ContactGroup, contact_ids: Sequence[int]) -> int:
    """Take these contacts out of the group; how many were in it."""
    return put(session, Contact, contact_ids, "groups", group, out=True)


def put(
    session: Session, model: type[Any], keys: Sequence[int], name: str, target: ContactGroup | Tag, *, out: bool = False
) -> int:
    """Add `target` to the to-many field `name` of the records `keys`, or take it out; how many were changed.

    All or nothing: each record is changed by `records.update`, which asks for the permission.
    """
    wanted = sorted(set(keys))
    return sum(_put_some(session, model, some, name, target, out) for some in chunks(wanted))


def _put_some(
    session: Session, model: type[Any], keys: Sequence[int], name: str, target: ContactGroup | Tag, out: bool
) -> int:
    # in the order of the keys, so that two of these wait for each other instead of ending in a deadlock
    query = select(model).where(model.id.in_(keys)).order_by(model.id).with_for_update(key_share=True, of=model)
    found = list(session.scalars(query.options(selectinload(getattr(model, name)))))
    if len(found) != len(keys):
        raise invalid(f"{name_of(model)}Ids", "%(what)s not found", what=title_of(model))
    changed = 0
    for record in found:
        held = {other.id for other in getattr(record, name)}
        if (target.id in held) is out:
            records.update(session, record, {name: sorted(held ^ {target.id})})
            changed += 1
    return changed
