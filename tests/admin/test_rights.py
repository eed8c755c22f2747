"""Who may do what on which row: the matrix of permissions and scopes, at every address of the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.actor import Scope
from crm.models import Contact, Team, User
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.test_lists import names

Make = Callable[..., Visitor]
ROWS = ("mine", "team", "other")
#: scope → the rows it reaches
REACH = {Scope.OWN: {"mine"}, Scope.TEAM: {"mine", "team"}, Scope.ALL: set(ROWS)}


def three_rows(as_system: Any, agent: Visitor) -> dict[str, int]:
    """One contact of the agent's, one of a colleague in their team, one of somebody else."""
    with as_system() as session:
        team = factories.make(Team, session)
        colleague, other = factories.user(session, team=team), factories.user(session)
        records.update(session, session.get(User, agent.user_id), {"teams": [team.id]})
        owners = {"mine": agent.user_id, "team": colleague.id, "other": other.id}
        teams = {"team": team.id}
        return {
            name: factories.make(Contact, session, name=name, owner_id=owner, team_id=teams.get(name)).id
            for name, owner in owners.items()
        }


@pytest.mark.parametrize("view", list(Scope))
@pytest.mark.parametrize("write", [None, *Scope])
def test_every_address_reaches_exactly_the_rows_of_its_scope(
    visitor: Make, as_system: Any, view: Scope, write: Scope | None
) -> None:
    grants = {"view_contacts": view}
    if write:
        grants |= {"update_contact": write, "delete_contact": write, "export_contacts": write}
    agent = visitor(**grants)
    rows = three_rows(as_system, agent)
    seen, written = REACH[view], REACH[write] & REACH[view] if write else set()
    assert set(names(agent, "/contact/list")) == seen
    exported = agent.get("/contact/export/csv")
    assert exported.status_code == (200 if write else 403)
    assert not write or {name for name in ROWS if f"\n{name}," in exported.text} == written
    for name, key in rows.items():
        assert agent.get(f"/contact/details/{key}").status_code == (200 if name in seen else 404)
        may_not = 403 if name in seen or not write else 404
        assert agent.get(f"/contact/edit/{key}").status_code == (200 if name in written else may_not), name
        gone = agent.post(f"/contact/delete/{key}")
        assert gone.status_code == (303 if name in written else may_not), name
    with as_system() as session:
        assert {contact.name for contact in session.query(Contact)} == set(ROWS) - written


def test_without_the_view_permission_nothing_opens_not_even_to_those_who_may_write(
    visitor: Make, as_system: Any
) -> None:
    with as_system() as session:
        key = factories.make(Contact, session).id
    writer = visitor(update_contact=Scope.ALL, delete_contact=Scope.ALL, create_contact=Scope.ALL)
    for path in ("list", "create", f"details/{key}", f"edit/{key}", "export/csv", "ajax/lookup?name=customer_id"):
        assert writer.get(f"/contact/{path}").status_code == 403, path
    assert writer.post(f"/contact/delete/{key}").status_code == 403


def test_a_page_offers_only_what_its_reader_may_do(visitor: Make, admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session).id
    page = visitor(view_contacts=Scope.ALL).page(f"/contact/details/{key}")
    for address in (f"/contact/edit/{key}", f"/contact/delete/{key}"):
        assert address not in page
        assert address in admin.page(f"/contact/details/{key}")
    assert "/contact/create" not in visitor(view_contacts=Scope.ALL).page("/contact/list")
