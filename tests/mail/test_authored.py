"""Mail that people wrote: what becomes of its texts."""

from __future__ import annotations

from crm.mail import authored


def test_a_subject_is_one_line_without_what_cannot_be_seen() -> None:
    assert authored.written("Offer\u202e\r\n  for\u200b Ann", "Hello", language="en").subject == "Offer for Ann"
