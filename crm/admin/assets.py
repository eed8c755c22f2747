"""Addresses of style sheets and scripts, with a hash of their content: ours, and those SQLAdmin ships."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import sqladmin

from crm.admin import paths

OURS = Path(__file__).parent / "static"
_FOLDERS = (OURS, Path(sqladmin.__file__).parent / "statics")


@lru_cache(maxsize=256)
def _version(name: str, stamp: float) -> str:
    """`stamp` is when the file was last written, so that a change in development is seen at once."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]
    return ""


@lru_cache(maxsize=256)
def _file(name: str) -> Path | None:
    return next((folder / name for folder in _FOLDERS if (folder / name).is_file()), None)


def asset(name: str) -> str:
    """`asset("css/list.css")` → /admin/statics/css/list.css?v=0123456789ab"""
    file = _file(name)
    version = _version(name, file.stat().st_mtime) if file else ""
    return f"{paths.to('statics')}/{name}?v={version}"
