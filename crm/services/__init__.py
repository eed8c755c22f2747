"""What can be done: one noun a file; `records` serves every entity.

Importing this package makes every session keep to scope and audit.
"""

from crm import access, audit, rights

__all__ = ["access", "audit", "rights"]
