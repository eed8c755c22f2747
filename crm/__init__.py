"""A self-hosted CRM back office: one declaration per entity, every surface derived from it."""

__version__ = "0.1.0"
