"""What is asked of both servers: requests of each kind as bytes, drawn from the data with a fixed seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.models import Contact, Customer

#: requests a kind is made of; walked through again and again
DISTINCT = 2000


@dataclass(frozen=True, slots=True)
class Known:
    """Numbers and words of the data."""

    contacts: list[int]
    customers: list[int]
    words: list[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """`goal` is the least share of the baseline's requests per second that issue A asks for."""

    name: str
    goal: float | None
    make: Callable[[Random, Known], tuple[str, str, Any]]


def known(database: Database) -> Known:
    """Domains are searched for: a word that some five of 100,000 contacts have."""
    with database.read_only(system("load")) as session:
        contacts = session.scalars(select(Contact.id).order_by(Contact.id)).all()
        rows = session.execute(select(Customer.id, Customer.domain).order_by(Customer.id)).all()
    words = [domain.partition(".")[0] for _, domain in rows]
    return Known(list(contacts), [number for number, _ in rows], words)


def _get(random: Random, known: Known) -> tuple[str, str, Any]:
    return "GET", f"/api/contacts/{random.choice(known.contacts)}", None


def _list(_random: Random, _known: Known) -> tuple[str, str, Any]:
    return "GET", "/api/contacts?page=1&pageSize=20", None


def _of_customer(random: Random, known: Known) -> tuple[str, str, Any]:
    return "GET", f"/api/contacts?customerId={random.choice(known.customers)}&page=1&pageSize=20", None


def _search(random: Random, known: Known) -> tuple[str, str, Any]:
    return "GET", f"/api/contacts?search={random.choice(known.words)}&page=1&pageSize=20", None


def _create(random: Random, known: Known) -> tuple[str, str, Any]:
    number = random.randrange(10**9)
    body = {
        "name": f"Load {number}",
        "jobTitle": "Buyer",
        "email": f"load{number}@load.example",
        "notes": "Made by load.",
    }
    return "POST", "/api/contacts", body | {"customerId": random.choice(known.customers)}


def _update(random: Random, known: Known) -> tuple[str, str, Any]:
    return "PUT", f"/api/contacts/{random.choice(known.contacts)}", {"department": f"Unit {random.randrange(10**6)}"}


KINDS = (
    Kind("GET one", 0.6, _get),
    Kind("list with count", 0.65, _list),
    Kind("list of a customer", None, _of_customer),
    Kind("search", None, _search),
    Kind("create", 0.22, _create),
    Kind("update", 0.14, _update),
)


def requests(kind: Kind, known: Known, token: str) -> list[bytes]:
    """The same requests for every server and round."""
    random = Random(kind.name)
    return [_bytes(*kind.make(random, known), token) for _ in range(DISTINCT)]


def _bytes(method: str, path: str, body: Any, token: str) -> bytes:
    sent = b"" if body is None else json.dumps(body).encode()
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {token}",
        "Accept: application/json",
    ]
    if sent:
        head += ["Content-Type: application/json", f"Content-Length: {len(sent)}"]
    return "\r\n".join([*head, "", ""]).encode() + sent
