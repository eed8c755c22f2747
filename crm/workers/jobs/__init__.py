"""Every kind of job, one noun a file; each is a few lines that call a service."""

from crm.workers.jobs import email, reminder, report

__all__ = ["email", "reminder", "report"]
