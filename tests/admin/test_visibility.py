"""What a list shows to whom: scope, trash, names of what is out of sight, the menu."""

from __future__ import annotations

from typing import Any

from crm.actor import Scope
from crm.models import Contact, Customer
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.test_lists import ROW, names, people

__all__ = ["people"]


def test_only_what_one_may_see_is_listed_counted_named_and_found(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_contacts=Scope.OWN, view_customers=Scope.OWN)
    with as_system() as session:
        firm = factories.make(Customer, session, name="Secret Corp")
        factories.make(Contact, session, name="Mine", owner_id=agent.user_id, customer_id=firm.id)
        factories.make(Contact, session, name="Theirs")
        key, firm_key = session.query(Contact).filter_by(name="Theirs").one().id, firm.id
    page = agent.page("/contact/list")
    assert ROW.findall(page) == ["Mine"]
    assert "1–1 of 1" in page
    assert "Secret Corp" not in page
    assert "Not visible" in page
    assert names(agent, "/contact/list?search=theirs") == []
    assert "Secret Corp" not in agent.page(f"/contact/list?customer_id={firm_key}")
    for path in (f"/contact/details/{key}", f"/contact/details/{2**62}", f"/customer/details/{firm_key}"):
        assert agent.get(path).status_code == 404


def test_a_reference_to_a_trashed_record_shows_its_name(admin: Visitor, people: Any, as_system: Any) -> None:
    with as_system() as session:
        records.delete(session, session.get(Customer, people["Zeta AG"]))
        # its contact went along, and is wanted back without it
        records.restore(session, session.get(Contact, people["Ann"], execution_options={"trash": "any"}))
    page = admin.page("/contact/list")
    assert "Zeta AG" in page
    assert f"/admin/customer/details/{people['Zeta AG']}" not in page
    assert "Zeta AG" in admin.page(f"/contact/details/{people['Ann']}")


def test_the_trash_is_for_those_who_may_restore(visitor: Any, people: Any) -> None:
    assert visitor(view_contacts=Scope.ALL).get("/contact/list?trash=1").status_code == 403
    keeper = visitor(view_contacts=Scope.ALL, delete_contact=Scope.ALL)
    keeper.post(f"/contact/delete/{people['Ann']}")
    assert names(keeper, "/contact/list?trash=1") == ["Ann"]
    assert "Ann" not in names(keeper, "/contact/list")


def test_the_list_comes_compressed(admin: Visitor, people: Any) -> None:
    answer = admin.get("/contact/list", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.content) > 3 * int(answer.headers["content-length"])


def test_the_menu_shows_what_one_may_view_and_nothing_else(visitor: Any, admin: Visitor) -> None:
    page = visitor(view_contacts=Scope.OWN).page("/contact/list")
    assert "/admin/contact/list" in page
    for hidden in ("/admin/user/list", "/admin/opportunity/list", "/admin/audit-entry/list"):
        assert hidden not in page
        assert hidden in admin.page("/contact/list")
