"""The application and its callers, for every test in this folder."""

from tests.clients import admin, anybody, caller, client, system_session

__all__ = ["admin", "anybody", "caller", "client", "system_session"]
