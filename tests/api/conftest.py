"""The application and its callers, for every test in this folder."""

from tests.clients import admin, anybody, caller, client, system_session, world
from tests.installed import add_user, installed, sign_in

__all__ = ["add_user", "admin", "anybody", "caller", "client", "installed", "sign_in", "system_session", "world"]
