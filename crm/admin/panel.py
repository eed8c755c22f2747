"""SQLAdmin's Admin with our templates and views; `crm.admin.site` gives it its door and its routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import isfunction
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, PrefixLoader, select_autoescape
from sqladmin import Admin
from sqladmin.authentication import AuthenticationBackend
from sqladmin.templating import Jinja2Templates
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute

from crm import i18n
from crm.admin import marks
from crm.admin.assets import asset
from crm.admin.database_sessions import ActorSessions
from crm.admin.views import EntityView, make_views
from crm.admin.visitor import visitor_of
from crm.db import Database
from crm.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"


class DoorBackend(AuthenticationBackend):
    """For what SQLAdmin guards itself, should a page of its own kind be added: the door has decided already."""

    def __init__(self) -> None:
        self.middlewares = []

    async def login(self, request: Request) -> bool:
        return False

    async def logout(self, request: Request) -> bool:
        return False

    async def authenticate(self, request: Request) -> bool:
        return visitor_of(request).actor is not None

    async def get_user_id(self, request: Request) -> int | None:
        actor = visitor_of(request).actor
        return actor.user_id if actor else None


class Panel(Admin):
    """One per application; `entity_views` are the generated screens."""

    def __init__(
        self,
        app: Starlette,
        database: Database,
        settings: Settings,
        *,
        routes: Sequence[BaseRoute],
        handlers: Mapping[Any, Any],
        middlewares: Sequence[Middleware],
    ) -> None:
        self.database, self.settings = database, settings
        super().__init__(
            app,
            session_maker=ActorSessions(database),
            base_url="/admin",
            title="CRM",
            templates_dir=str(TEMPLATES),
            middlewares=middlewares,
            authentication_backend=DoorBackend(),
        )
        self.admin.state.panel = self
        self.admin.router.routes = list(routes)
        self.admin.exception_handlers = dict(handlers)
        for view in make_views():
            self.add_entity_view(view)

    def add_entity_view(self, view: type[EntityView]) -> None:
        view.database = self.database
        self.add_view(view)

    @staticmethod
    def _find_decorated_funcs(view: Any, view_instance: Any, handle_fn: Callable[..., None]) -> None:
        """SQLAdmin's looks at each attribute of each view, twice: half of what an application's start costs."""
        names = {name for kind in view.__mro__ for name, value in vars(kind).items() if _is_decorated(value)}
        for name in sorted(names):
            handle_fn(getattr(view_instance, name), view, view_instance)

    @property
    def entity_views(self) -> tuple[EntityView, ...]:
        return tuple(view for view in self.views if isinstance(view, EntityView))

    def init_templating_engine(self) -> Jinja2Templates:
        """SQLAdmin's awaits every expression of a template, a third of a page's cost; ours does not."""
        templates = Jinja2Templates(str(TEMPLATES))
        templates.env = environment()
        return templates


def _is_decorated(value: Any) -> bool:
    """With SQLAdmin's `action` or `expose`."""
    return isfunction(value) and (hasattr(value, "_action") or hasattr(value, "_exposed"))


@cache
def environment() -> Environment:
    """Our templates first, then SQLAdmin's as `sqladmin_original/…`; compiled once a process."""
    env = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(TEMPLATES),
                PrefixLoader({"sqladmin_original": PackageLoader("sqladmin", "templates/sqladmin")}),
            ]
        ),
        autoescape=select_autoescape(default=True, default_for_string=True),
        extensions=["jinja2.ext.i18n"],
    )
    env.globals.update(marks.GLOBALS)
    env.globals.update(asset=asset, vendor=asset)
    installer: Any = env
    installer.install_gettext_callables(i18n.gettext, _plural, newstyle=True)
    return env


def _plural(one: str, many: str, number: int) -> str:
    return i18n.gettext(one if number == 1 else many)
