"""Files stay small enough to be read in one go."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES = 250
FOLDERS = ("crm", "seeds", "tests")


def test_no_file_is_long_without_a_reason_in_its_first_line() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 300
    texts = {path: path.read_text().splitlines() for path in files}
    long = [path for path, lines in texts.items() if len(lines) > MOST_LINES and "; long, " not in lines[0]]
    assert [str(path.relative_to(ROOT)) for path in long] == []
