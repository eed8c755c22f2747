"""Invented customers and the people who work there."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from crm.models.contact import Contact, CustomerRole
from crm.models.customer import Customer, CustomerStatus, Rating
from seeds.bulk import Row, search_words
from seeds.demo import words
from seeds.demo.catalogue import Catalogue
from seeds.demo.people import Staff

#: shares of customers without a won deal, and with one
_STATUS = {
    False: (CustomerStatus.PROSPECT, CustomerStatus.PROSPECT, CustomerStatus.PROSPECT, CustomerStatus.DORMANT),
    True: (CustomerStatus.ACTIVE,) * 6 + (CustomerStatus.AT_RISK, CustomerStatus.DORMANT, CustomerStatus.CHURNED),
}
_ROLES = (*CustomerRole, None)


def customer(random: Random, staff: Staff, catalogue: Catalogue, moment: datetime) -> Row:
    """A row of the table, with the key `language` beside its columns; `status` is set when its deals are known."""
    language = random.choice(("zh", "en"))
    seller = random.choice(staff.speaking(language))
    created = moment - timedelta(days=random.randint(20, 900), minutes=random.randint(0, 600))
    row = _chinese(random) if language == "zh" else _english(random)
    row |= {
        "language": language,
        "industry_id": random.choice(catalogue.industries) if catalogue.industries else None,
        "rating": random.choice((*Rating, None)),
        "source": random.choice(words.SOURCES),
        "website": f"https://www.{row['domain']}",
        "size": random.choice((12, 35, 80, 150, 320, 700, 1500, 4000)),
        "annual_revenue": Decimal(random.randint(2, 900)) * 1_000_000,
        "description": "",
        "owner_id": seller.user_id,
        "team_id": seller.team_id,
        "created_at": created,
        "updated_at": created,
        "version": 1,
    }
    return row | {"search_text": search_words(Customer, row)}


def status_of(random: Random, *, has_bought: bool) -> CustomerStatus:
    return random.choice(_STATUS[has_bought])


def _chinese(random: Random) -> Row:
    (brand, spelled), city, trade = (
        random.choice(words.BRANDS),
        random.choice(words.CITIES_ZH),
        random.choice(words.TRADES),
    )
    return {
        "name": f"{city}{brand}{trade}",
        "legal_name": f"{city}{brand}{trade}有限公司",
        "domain": f"{spelled}{random.randint(1, 999)}.example",
        "phone": f"+8621{random.randint(55550000, 55559999)}",
        "address": f"{random.choice(words.STREETS_ZH)}{random.randint(1, 999)}号",
        "city": city,
        "country": "中国",
        "currency": "CNY",
    }


def _english(random: Random) -> Row:
    brand, kind = random.choice(words.STEMS) + random.choice(words.TAILS), random.choice(words.KINDS)
    city, country, currency, prefix = random.choice(words.CITIES_EN)
    legal = {"Germany": "GmbH", "France": "SARL", "United Kingdom": "Ltd", "Canada": "Ltd"}.get(country, "Inc.")
    return {
        "name": f"{brand} {kind}",
        "legal_name": f"{brand} {kind} {legal}",
        "domain": f"{brand.lower()}{random.randint(1, 999)}.example",
        "phone": _fictional(random, prefix),
        "address": f"{random.randint(1, 240)} {random.choice(words.STREETS_EN)}",
        "city": city,
        "country": country,
        "currency": currency,
    }


def _fictional(random: Random, prefix: str) -> str:
    """A number in a range set aside for fiction: 555-01xx in North America, three more digits elsewhere."""
    return (
        f"{prefix}01{random.randint(0, 99):02}" if prefix.startswith("+1") else f"{prefix}{random.randint(0, 999):03}"
    )


def contact(random: Random, company: Row, company_id: int, moment: datetime) -> Row:
    """A row for somebody at `company`; owned by its owner."""
    language: str = company["language"]
    name, spelled = _person(random, language)
    created = company["created_at"] + (moment - company["created_at"]) * random.random()
    mobile = f"+86138001{random.randint(38000, 38999)}" if language == "zh" else _fictional(random, "+1917555")
    row = {
        "name": name,
        "job_title": random.choice(words.TITLES[language]),
        "department": random.choice(words.DEPARTMENTS[language]),
        "customer_id": company_id,
        "customer_role": random.choice(_ROLES),
        "email": f"{spelled}@{company['domain']}",
        "phone": company["phone"],
        "mobile": mobile,
        "wechat": spelled.replace(".", "_") if language == "zh" else "",
        "birthday": date(random.randint(1965, 2000), random.randint(1, 12), random.randint(1, 28)),
        "preferred_language": language,
        "do_not_contact": random.random() < 0.03,
        "owner_id": company["owner_id"],
        "team_id": company["team_id"],
        "created_at": created,
        "updated_at": created,
        "version": 1,
    }
    return row | {"search_text": search_words(Contact, row, company["name"])}


def _person(random: Random, language: str) -> tuple[str, str]:
    """A name, and how it is written in an address."""
    if language == "zh":
        (family, first), (given, second) = random.choice(words.SURNAMES), random.choice(words.GIVEN)
        return family + given, f"{second}.{first}"
    given, family = random.choice(words.FIRST), random.choice(words.LAST)
    return f"{given} {family}", f"{given}.{family}".lower()
