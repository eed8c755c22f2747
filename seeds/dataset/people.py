"""The sales organisation of the data set: three offices, six managers with their teams, thirty agents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.role import Role
from crm.models.team import Team
from crm.models.user import User
from seeds.dataset.report import Report
from seeds.dataset.rows import Agent

#: nobody can receive mail at a domain of this ending (RFC 2606)
DOMAIN = "crm-dataset.example"


@dataclass(frozen=True, slots=True)
class Seller:
    """Numbers of an agent and of the agent's team."""

    user_id: int
    team_id: int


def load_people(session: Session, agents: Sequence[Agent], report: Report) -> dict[str, Seller]:
    """Make offices, teams and users that are not there yet; agents by name, in lower case.

    The users have no password, so nobody can sign in as one of them.
    """
    teams = {team.name: team for team in session.scalars(select(Team))}
    users = {user.username: user for user in session.scalars(select(User), execution_options={"trash": "any"})}
    found = {}
    for agent in agents:
        office = _team(session, teams, agent.office, None, None, report)
        manager = _user(session, users, agent.manager, None, "manager", report)
        team = _team(session, teams, f"{agent.manager}'s team", office, manager, report)
        seller = _user(session, users, agent.name, manager, "sales", report)
        for user in (manager, seller):
            if not user.teams:
                user.teams = [team]
        session.flush()
        found[agent.name.casefold()] = Seller(seller.id, team.id)
    return found


def _team(
    session: Session, teams: dict[str, Team], name: str, parent: Team | None, lead: User | None, report: Report
) -> Team:
    if name not in teams:
        teams[name] = Team(name=name, parent=parent, lead=lead)
        session.add(teams[name])
        report.added["team"] += 1
    return teams[name]


def _user(session: Session, users: dict[str, User], name: str, manager: User | None, role: str, report: Report) -> User:
    username = re.sub(r"\W+", ".", name.casefold()).strip(".")
    if username not in users:
        roles = list(session.scalars(select(Role).where(Role.name == role)))
        email = f"{username}@{DOMAIN}"
        users[username] = User(username=username, email=email, name=name, manager=manager, roles=roles)
        session.add(users[username])
        session.flush()
        report.added["user"] += 1
    return users[username]
