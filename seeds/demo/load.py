"""Make the demo data, batch by batch, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.models.base import Base
from crm.models.customer import Customer
from seeds.bulk import Row, insert_links, insert_rows
from seeds.demo import activity, companies, deals, lines, relations
from seeds.demo.catalogue import Catalogue, load_catalogue
from seeds.demo.firsts import load_firsts
from seeds.demo.people import Staff, load_people
from seeds.demo.routines import load_routines
from seeds.progress import Progress

_BATCH = 400
_INTERACTIONS_A_CUSTOMER = 3
_TABLES = Base.metadata.tables


@dataclass(frozen=True, slots=True)
class Size:
    customers: int
    contacts: int
    deals: int


@dataclass
class Maker:
    """What every batch needs; `won` collects (number, name) of deals that were won of late."""

    session: Session
    random: Random
    staff: Staff
    catalogue: Catalogue
    moment: datetime
    won: list[tuple[datetime, int, str]] = field(default_factory=list)


def make(session: Session, size: Size, hashes: dict[str, str], moment: datetime, progress: Progress) -> None:
    """The same rows for the same size, day and number of customers there before."""
    before = session.scalar(select(func.count()).select_from(Customer), execution_options={"unscoped": True})
    maker = Maker(session, Random(f"demo {before}"), load_people(session, hashes), load_catalogue(session), moment)
    total, done = sum((size.customers, size.contacts, size.deals)), 0
    for part in _parts(size):
        _batch(maker, part)
        done += part.customers + part.contacts + part.deals
        progress("demo data", done, total)
    latest = [(number, name) for _, number, name in sorted(maker.won, reverse=True)]
    insert_rows(session, _TABLES["notification"], list(activity.notifications(maker.staff, latest, moment)))
    load_routines(session, maker.staff, moment)
    load_firsts(session, maker.staff, moment)


def _parts(size: Size) -> Iterator[Size]:
    """Batches of some customers, with their share of contacts and deals; together exactly `size`."""
    count = max(1, -(-size.customers // _BATCH))

    def share(whole: int, place: int) -> int:
        return whole * (place + 1) // count - whole * place // count

    for place in range(count):
        yield Size(*(share(whole, place) for whole in (size.customers, size.contacts, size.deals)))


def _batch(maker: Maker, size: Size) -> None:
    random, moment = maker.random, maker.moment
    firms = [companies.customer(random, maker.staff, maker.catalogue, moment) for _ in range(size.customers)]
    stories = [(place, deals.deal(random, firms[place], maker.catalogue, moment)) for place in _skewed(maker, size)]
    for place, story in stories:  # a customer is known before its first deal
        firms[place]["created_at"] = min(firms[place]["created_at"], story.steps[0].at - timedelta(days=3))
    bought: dict[int, datetime] = {}
    for place, story in stories:
        if story.is_won:
            bought[place] = min(story.steps[-1].at, bought.get(place, moment))
    for place, firm in enumerate(firms):
        firm["status"] = companies.status_of(random, has_bought=place in bought)
    ways = [relations.relation(firm, bought.get(place), moment) for place, firm in enumerate(firms)]
    for firm, way in zip(firms, ways, strict=True):
        firm |= {"status_since": way[-1].since, "status_reason": way[-1].reason}
    numbers = insert_rows(maker.session, _TABLES["customer"], [_columns(firm) for firm in firms])
    told = zip(ways, numbers, firms, strict=True)
    rows = [row for way, number, firm in told for row in relations.history(way, number, firm["owner_id"])]
    insert_rows(maker.session, _TABLES["status_history"], rows)
    people = _contacts(maker, firms, numbers, size.contacts)
    made = _deals(maker, firms, numbers, people, stories)
    _around(maker, firms, numbers, people, made)


def _skewed(maker: Maker, size: Size) -> list[int]:
    """For each deal the place of its customer: a few have many, many have few."""
    return [int(size.customers * maker.random.random() ** 1.6) for _ in range(size.deals if size.customers else 0)]


def _columns(firm: Row) -> Row:
    return {name: value for name, value in firm.items() if name != "language"}


def _contacts(maker: Maker, firms: Sequence[Row], numbers: Sequence[int], count: int) -> list[list[int]]:
    """Numbers of the contacts of each firm; some carry tags and belong to groups."""
    random, found = maker.random, [list[int]() for _ in firms]
    places = [place % len(firms) if place < len(firms) else random.randrange(len(firms)) for place in range(count)]
    rows = [companies.contact(random, firms[place], numbers[place], maker.moment) for place in places]
    made = insert_rows(maker.session, _TABLES["contact"], rows)
    for place, number in zip(places, made, strict=True):
        found[place].append(number)
    _link(maker, "contact_tag", "tag_id", "contact_id", made, maker.catalogue.tags)
    _link(maker, "contact_group_member", "contact_group_id", "contact_id", made, maker.catalogue.groups)
    _link(maker, "customer_tag", "tag_id", "customer_id", numbers, maker.catalogue.tags)
    return found


def _link(maker: Maker, table: str, to: str, column: str, numbers: Sequence[int], choices: tuple[int, ...]) -> None:
    """One in five carries one of `choices`."""
    chosen = [number for number in numbers if maker.random.random() < 0.2]
    rows = [{column: number, to: maker.random.choice(choices)} for number in chosen]
    insert_links(maker.session, _TABLES[table], rows)


def _deals(
    maker: Maker,
    firms: Sequence[Row],
    numbers: Sequence[int],
    people: list[list[int]],
    stories: list[tuple[int, deals.Story]],
) -> list[tuple[int, int, deals.Story]]:
    """(place of the firm, number, story) of each deal, inserted with its history."""
    rows = []
    for place, story in stories:
        contact = maker.random.choice(people[place]) if people[place] else None
        rows.append(story.row | {"customer_id": numbers[place], "contact_id": contact})
    made = insert_rows(maker.session, _TABLES["opportunity"], rows)
    told = [row for (_, story), number in zip(stories, made, strict=True) for row in deals.history(story, number)]
    insert_rows(maker.session, _TABLES["opportunity_history"], told)
    insert_rows(maker.session, _TABLES["opportunity_line"], _lines(stories, made))
    _link(maker, "opportunity_tag", "tag_id", "opportunity_id", made, maker.catalogue.tags)
    for (_, story), number in zip(stories, made, strict=True):
        if story.is_won:
            maker.won.append((story.steps[-1].at, number, story.row["name"]))
    maker.won = sorted(maker.won, reverse=True)[:6]
    return [(place, number, story) for (place, story), number in zip(stories, made, strict=True)]


def _lines(stories: list[tuple[int, deals.Story]], numbers: Sequence[int]) -> list[Row]:
    """The lines of all these deals."""
    return [
        row
        for (_, story), number in zip(stories, numbers, strict=True)
        for row in lines.rows(story.lines, number, story.row["owner_id"], story.worths[-1].at)
    ]


def _around(
    maker: Maker,
    firms: Sequence[Row],
    numbers: Sequence[int],
    people: list[list[int]],
    made: list[tuple[int, int, deals.Story]],
) -> None:
    """Interactions with every customer, and a task for every third deal."""
    random, moment = maker.random, maker.moment
    deal_of = {place: number for place, number, _ in made}
    talks = []
    for place in range(len(firms) * _INTERACTIONS_A_CUSTOMER):
        place %= len(firms)
        contact = random.choice(people[place]) if people[place] else None
        links = {"customer_id": numbers[place], "contact_id": contact, "opportunity_id": deal_of.get(place)}
        talks.append(activity.interaction(random, firms[place], links, moment))
    insert_rows(maker.session, _TABLES["interaction"], talks)
    running = [item for item in made if item[2].row["closed_at"] is None]
    chosen = (running + made)[: len(made) // 3]
    dues = activity.due_moments(random, len(chosen), moment)
    tasks = [
        activity.task(random, firms[place], n, due, moment) for (place, n, _), due in zip(chosen, dues, strict=True)
    ]
    insert_rows(maker.session, _TABLES["task"], tasks)
