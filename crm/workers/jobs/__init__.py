"""Every kind of job, one noun a file; each is a few lines that call a service."""

from crm.workers.jobs import email, file, reminder, report

__all__ = ["email", "file", "reminder", "report"]
