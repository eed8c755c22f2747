"""What cannot be seen is taken out of names; what scripts and emoji need stays."""

from __future__ import annotations

import pytest

from crm.legible import legible

FLAG = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("offer\u202etxt.exe", "offertxt.exe"),
        ("\u2068Ann\u2069 \u202aLee\u202c", "Ann Lee"),
        ("A\u200bc\u00adm\ufeffe\u2060\u3164", "Acme"),
        ("\u200e+49 30 9018\u200f", "+49 30 9018"),
        ("Ann\U000e0041\U000e0042", "Ann"),
        (" \u200d\ufe0f ", ""),
    ],
)
def test_what_cannot_be_seen_goes(sent: str, kept: str) -> None:
    assert legible(sent) == kept


@pytest.mark.parametrize(
    "text",
    [
        *("שלום עולם", "محمد العلي", "陈伟", "Łódź", "e\u0301", ""),
        *("می\u200cخواهم", "क्\u200dष", "👩\u200d💻", "❤\ufe0f", FLAG, "葛\U000e0100", "ᠮᠣᠩᠭᠣᠯ\u180eᠠ"),
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert legible(text) == text
