"""R38: no secret is ever said, at any door, in any row, in any log line; and no log line or error names a customer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 180.0
#: what was mailed stands in its mail; this token has done its work
MAILED = ("reset", "email_message")
Told = tuple[dict[str, Any], str]


@pytest.fixture(scope="module", params=[("sqlite", "json"), ("postgresql", "text")], ids=lambda p: "-".join(p))
def told(
    request: pytest.FixtureRequest, new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Told:
    """What canaries.py wrote down, and its log."""
    backend, log_format = request.param
    command = [sys.executable, "-m", "tests.workers.canaries"]
    words = [new_database(backend), str(tmp_path_factory.mktemp("canaries")), log_format]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    end = subprocess.run([*command, *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=LIMIT_S)
    assert end.returncode == 0, end.stderr[-3000:]
    return json.loads(end.stdout), end.stderr


def test_no_secret_is_said_anywhere(told: Told) -> None:
    said, log = told
    for name, secret in said["secrets"].items():
        assert secret not in log, f"{name} is in the log"
        for place, text in said["said"].items():
            if not (name == MAILED[0] and place.endswith(MAILED[1])):
                assert secret not in text, f"{name} is in {place}"


def test_nobody_is_named_in_a_log_line_or_in_an_error(told: Told) -> None:
    said, log = told
    for name, value in said["people"].items():
        assert value not in log, f"{name} is in the log"
        for place, text in said["said"].items():
            assert not place.startswith("error") or value not in text, f"{name} is in {place}"


def test_the_log_tells_what_happened_all_the_same(told: Told) -> None:
    _said, log = told
    for words in ("request", "unexpected error", "RuntimeError", "job failed", "panel_failed", "canaries.py"):
        assert words in log, words
    if log.lstrip().startswith("{"):
        for line in log.splitlines():
            assert isinstance(json.loads(line), dict), line


def test_everything_was_looked_at(told: Told) -> None:
    """A scenario that says nothing proves nothing."""
    said, _log = told
    people, places = said["people"], said["said"]
    assert {"audit", "job", "job event", "manifest", "doctor", "settings", "page job", "api contact"} <= places.keys()
    assert people["email"] in places["api contact"]
    assert people["name"] in places["page contact"]
    assert all(text.strip() for text in places.values())
    assert "canary.sing" in places["job"]
