"""Every entity has its screens, made from the registry alone."""

from __future__ import annotations

from typing import Any

import pytest

from crm.admin import paths
from crm.db import Database
from crm.entity import entity_of, name_of
from crm.fields import models
from crm.models import Contact, Customer
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor

EVERY = pytest.mark.parametrize("model", models(), ids=name_of)


@EVERY
def test_every_entity_has_a_list_that_can_be_sorted_searched_filtered_and_exported(
    model: type[Any], admin: Visitor
) -> None:
    here = f"/{paths.identity(model)}"
    assert admin.get(f"{here}/list").status_code == 200
    assert admin.get(f"{here}/list?search=nothing%20like%20this").status_code == 200
    for name in entity_of(model).sort:
        assert admin.get(f"{here}/list?sortBy={name}&sort=desc").status_code == 200
    assert admin.get(f"{here}/export/csv").status_code == 200
    assert admin.get(f"{here}/list?trash=1").status_code == 200


@EVERY
def test_what_can_be_created_has_a_form_and_is_created_edited_and_shown(
    model: type[Any], admin: Visitor, as_system: Any
) -> None:
    here = f"/{paths.identity(model)}"
    if "create" not in entity_of(model).verbs:
        assert admin.get(f"{here}/create").status_code == 403
        return
    assert admin.get(f"{here}/create").status_code == 200
    with as_system() as session:
        key = factories.make(model, session).id
    page = admin.get(f"{here}/details/{key}")
    assert page.status_code == 200, page.text[-500:]
    if "update" in entity_of(model).verbs:
        untouched = admin.post(f"{here}/edit/{key}", admin.form(f"{here}/edit/{key}"))
        assert untouched.status_code == 303, untouched.text[-3000:]
    answer = admin.post(f"{here}/delete/{key}")
    assert answer.status_code == 303


def test_a_contact_is_created_edited_deleted_restored_and_deleted_for_good(admin: Visitor, database: Database) -> None:
    made = admin.post("/contact/create", {"name": "陈伟", "email": "CHEN@example.com", "save": "save"})
    assert made.status_code == 303, made.text[-3000:]
    page = made.headers["location"].removeprefix("/admin")
    assert "陈伟" in admin.page(page)
    key = page.rpartition("/")[2]
    form = admin.form(f"/contact/edit/{key}")
    assert form["name"] == "陈伟"
    saved = admin.post(f"/contact/edit/{key}", {**form, "job_title": "采购经理"})
    assert saved.status_code == 303
    assert "采购经理" in admin.page(page)
    assert admin.post(f"/contact/delete/{key}").status_code == 303
    assert "陈伟" not in admin.page("/contact/list")
    assert "陈伟" in admin.page("/contact/list?trash=1")
    assert admin.post(f"/contact/restore/{key}").status_code == 303
    assert "陈伟" in admin.page("/contact/list")
    admin.post(f"/contact/delete/{key}")
    assert admin.post(f"/contact/purge/{key}").status_code == 303
    assert admin.get(page).status_code == 404


def test_the_details_page_shows_related_records_and_the_history(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        customer = factories.make(Customer, session, name="Falcon Ltd")
        for number in range(12):
            factories.make(Contact, session, name=f"Person {number:02}", customer_id=customer.id)
        records.update(session, customer, {"city": "Berlin"})
        key = customer.id
    page = admin.page(f"/customer/details/{key}")
    assert page.count("Person ") >= 10
    assert f"/admin/contact/list?customer_id={key}" in page
    assert "Berlin" in page


def test_the_untouched_form_of_a_record_changes_nothing(admin: Visitor, as_system: Any, database: Database) -> None:
    with as_system() as session:
        contact = factories.make(Contact, session)
        key, version = contact.id, contact.version
    admin.post(f"/contact/edit/{key}", admin.form(f"/contact/edit/{key}"))
    with as_system() as session:
        assert session.get(Contact, key).version == version
