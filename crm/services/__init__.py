"""What can be done: one noun a file; `records` serves every entity.

Importing this package makes every session keep to scope and audit, and every door to the rules of each noun.
"""

from crm import access, audit, rights
from crm.services import (
    categories,
    category_types,
    contacts,
    customers,
    email_templates,
    interactions,
    notification_preferences,
    jobs,
    notifications,
    opportunities,
    opportunity_history,
    opportunity_lines,
    pipeline_mail,
    reminders,
    roles,
    restorations,
    schedules,
    status_history,
    tags,
    tasks,
    teams,
    users,
)

__all__ = [
    "access",
    "audit",
    "categories",
    "category_types",
    "contacts",
    "customers",
    "email_templates",
    "interactions",
    "notification_preferences",
    "notifications",
    "opportunities",
    "jobs",
    "opportunity_history",
    "opportunity_lines",
    "pipeline_mail",
    "reminders",
    "rights",
    "roles",
    "schedules",
    "restorations",
    "status_history",
    "tags",
    "tasks",
    "teams",
    "users",
]
