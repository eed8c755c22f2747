"""What belongs to a user and a team."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from crm.models.team import Team
from crm.models.user import User


class Owned:
    """Rows that belong to a user and a team, which the scopes `own` and `team` go by."""

    @declared_attr
    def owner_id(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("user.id"), sort_order=80, doc="User it belongs to.")

    @declared_attr
    def team_id(cls) -> Mapped[int | None]:
        return mapped_column(ForeignKey("team.id"), index=True, sort_order=81, doc="Team it belongs to.")

    @declared_attr
    def owner(cls) -> Mapped[User | None]:
        return relationship(User, foreign_keys=f"{cls.__name__}.owner_id")  # type: ignore[attr-defined]

    @declared_attr
    def team(cls) -> Mapped[Team | None]:
        return relationship(Team, foreign_keys=f"{cls.__name__}.team_id")  # type: ignore[attr-defined]
