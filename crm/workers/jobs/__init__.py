"""Every kind of job, one noun a file; each is a few lines that call a service."""

from crm.workers.jobs import backup, email, file, notification, reminder, report

__all__ = ["backup", "email", "file", "notification", "reminder", "report"]
