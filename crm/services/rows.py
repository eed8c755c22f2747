"""Many rows of one entity written at once, each with an audit entry of its own.

For changes that no rule has a say in: an UPDATE by the unit of work waits for its answer row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, inspect, update
from sqlalchemy.orm import Session

from crm import audit
from crm.columns import now
from crm.services.chunks import chunks

Values = Mapping[str, Any]


def write(
    session: Session, model: type[Any], rows: Mapping[int, Values], *, action: str, told: Mapping[int, audit.Changes]
) -> None:
    """Set columns (number → name → value, the same names in each); `told` is what the audit says of each.

    Their versions grow, so that nobody saves over them unawares; the session forgets what it holds of them.
    """
    if not rows:
        return
    columns = inspect(model).columns
    names = list(next(iter(rows.values())))
    values = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in names}
    same = {"updated_at": now(), "version": model.version + 1}
    statement = update(model).where(model.id == bindparam("which", type_=columns["id"].type)).values(values | same)
    for keys in chunks(list(rows)):  # none of them may outlast what the web doors allow one statement
        given = [{"which": key, **{f"new_{name}": rows[key][name] for name in names}} for key in keys]
        session.connection().execute(statement, given)
        audit.note_many(session, model, action, {key: told[key] for key in keys})
    for known in [o for o in session.identity_map.values() if type(o) is model]:
        if inspect(known).identity[0] in rows:
            session.expire(known)
