"""Previews: a small picture drawn in a process of its own, or the beginning of a text."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from crm.files import drawing
from crm.files.kinds import Preview
from crm.logs import logger

TIMEOUT_S = 30.0
LONGEST_TEXT = 2000
_READ = 16_384
_SIGNS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_log = logger(__name__)


def draw(source: Path, how: Preview) -> bytes | None:
    """A WebP picture of at most 480 pixels a side, bare of metadata; None if none could be drawn."""
    with tempfile.TemporaryDirectory(prefix="crm-preview-") as folder:
        target = Path(folder) / "preview.webp"
        command = [sys.executable, "-I", drawing.__file__, how.value, str(source.absolute()), str(target)]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            _log.info("no preview", why="it took too long")
            return None
        if done.returncode != 0 or not target.exists():
            _log.info("no preview", why=f"status {done.returncode}")
            return None
        return target.read_bytes()


def begin(source: Path) -> str:
    """The first 2,000 characters of a text, whatever its encoding."""
    with source.open("rb") as file:
        raw = file.read(_READ)
    text = _SIGNS.sub("", _decoded(raw).replace("\r\n", "\n").replace("\r", "\n"))
    return text.lstrip("\ufeff")[:LONGEST_TEXT].rstrip()


def _decoded(raw: bytes) -> str:
    """UTF-16 says so itself; else the first of UTF-8 and GB 18030 that fits, the last character cut off or not."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        for cut in range(4):
            try:
                return raw[: len(raw) - cut].decode(encoding)
            except UnicodeDecodeError as error:
                if error.end < len(raw) - 4:
                    break
    return raw.decode("latin-1")
