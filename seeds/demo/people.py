"""Teams and users of the demo data: nobody can sign in but one manager and one sales person."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.role import Role
from crm.models.team import Team
from crm.models.user import User

DOMAIN = "demo.example"
ROOT = "Sales"
#: team → its language, and its people: user name, name; the first leads
TEAMS = {
    "华东区": ("zh", (("zhou.min", "周敏"), ("chen.hao", "陈浩"), ("lin.yue", "林悦"))),
    "华南区": ("zh", (("wu.lei", "吴磊"), ("he.jing", "何静"))),
    "Europe": ("en", (("anna.weber", "Anna Weber"), ("demo.sales", "Robin Keller"), ("luca.rossi", "Luca Rossi"))),
    "Americas": ("en", (("james.hayes", "James Hayes"), ("maria.silva", "Maria Silva"))),
}
MANAGER, SELLER = "demo.manager", "demo.sales"
#: user name → password; known to everybody, so never in production
PASSWORDS = {MANAGER: "demo-manager-1", SELLER: "demo-sales-1"}


@dataclass(frozen=True, slots=True)
class Seller:
    """Numbers of a sales person and of the team, and the language they sell in."""

    user_id: int
    team_id: int
    language: str


@dataclass(frozen=True, slots=True)
class Staff:
    manager_id: int
    #: the sales person who can sign in
    demo: Seller
    sellers: tuple[Seller, ...]

    def speaking(self, language: str) -> list[Seller]:
        """Those who sell in a language; the one who can sign in sells in both."""
        return [seller for seller in self.sellers if seller.language == language or seller is self.demo]


def load_people(session: Session, hashes: dict[str, str]) -> Staff:
    """Make what is not there yet; `hashes` are the password hashes of `PASSWORDS`."""
    users = {user.username: user for user in session.scalars(select(User), execution_options={"trash": "any"})}
    teams = {team.name: team for team in session.scalars(select(Team))}
    roles = {role.name: role for role in session.scalars(select(Role))}

    def user(username: str, name: str, role: str) -> User:
        if username not in users:
            held = [roles[role]] if role in roles else []
            email = f"{username}@{DOMAIN}"
            users[username] = User(
                username=username, email=email, name=name, roles=held, password_hash=hashes.get(username, "")
            )
            session.add(users[username])
        return users[username]

    def team(name: str, parent: Team | None, lead: User) -> Team:
        if name not in teams:
            teams[name] = Team(name=name, parent=parent, lead=lead)
            session.add(teams[name])
        return teams[name]

    manager = user(MANAGER, "Morgan Lin", "manager")
    root = team(ROOT, None, manager)
    _join(manager, root, None)
    found = []
    for name, (language, people) in TEAMS.items():
        members = [user(username, full, "sales") for username, full in people]
        own = team(name, root, members[0])
        for member in members:
            _join(member, own, manager if member is members[0] else members[0])
        found += [(member, own, language) for member in members]
    session.flush()
    sellers = {member.username: Seller(member.id, own.id, language) for member, own, language in found}
    return Staff(manager.id, sellers[SELLER], tuple(sellers.values()))


def _join(user: User, team: Team, manager: User | None) -> None:
    if not user.teams:
        user.teams, user.manager = [team], manager
