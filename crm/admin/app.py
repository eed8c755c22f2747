"""The panel of an application."""

from __future__ import annotations

from sqladmin import Admin
from starlette.applications import Starlette

from crm import services
from crm.admin import deals, file_views, profile, tasks
from crm.admin.site import open_panel
from crm.db import Database
from crm.settings import Settings

__all__ = ["create_admin", "deals", "file_views", "profile", "services", "tasks"]


def create_admin(app: Starlette, database: Database, settings: Settings) -> Admin:
    """Mount the panel of all registered entities at /admin; call it after every entity has been imported."""
    return open_panel(app, database, settings)
