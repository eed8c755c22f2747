"""What every page must have, whoever looks at it and with whatever."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_HERE = Path(__file__).parent
_SOUND = (_HERE / "soundness.js").read_text("utf-8")
_TARGETS = (_HERE / "targets.js").read_text("utf-8")


def check(page: Page) -> None:
    """Names, headings, landmarks, references between elements, contrast; and nothing wider than the window."""
    wrong = page.evaluate(_SOUND)
    assert not wrong, "\n".join(wrong)


def check_targets(page: Page) -> None:
    """Nothing that a thumb presses is lower than a chip."""
    small = page.evaluate(_TARGETS)
    assert not small, "\n".join(small)
