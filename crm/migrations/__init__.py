"""Alembic migrations, and the function that runs them."""

from pathlib import Path


def newest() -> str:
    """The newest revision there is, without loading what applies it."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return max(file.name.partition("_")[0] for file in files)
