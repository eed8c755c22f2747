"""A file is what its bytes are, or it is refused; its name deceives nobody."""

from __future__ import annotations

import pytest

from crm.errors import BadInput
from crm.files import kinds, names
from tests.files.corpus import CASES

each_case = pytest.mark.parametrize(
    ("name", "data", "media_type"), CASES, ids=[f"{i}-{c[0]!r}" for i, c in enumerate(CASES)]
)


@each_case
def test_pretenders_are_refused_and_polyglots_are_what_they_begin_as(name: str, data: bytes, media_type: str) -> None:
    try:
        found = kinds.kind_of(names.cleaned(name), data[: kinds.HEAD], data[-kinds.TAIL :]).media_type
    except BadInput:
        found = ""
    assert found == media_type


def test_no_kind_is_one_that_browsers_run() -> None:
    running = ("html", "svg", "javascript", "xhtml", "flash", "x-sh", "octet-stream")
    assert not [kind for kind in kinds.KINDS if any(word in kind.media_type for word in running)]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("offer.pdf", "offer.pdf"),
        ("报价单（最终版）.docx", "报价单（最终版）.docx"),
        ("e\u0301.txt", "é.txt"),
        ("CON.txt", "_CON.txt"),
        ("lpt1", "_lpt1"),
        ("com¹.tar.gz", "_com¹.tar.gz"),
        ('a<b>:"|?*.txt', "a_b______.txt"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("a\u200bb\ufeff.txt", "ab.txt"),
        ("می\u200cخواهم 👩\u200d💻.txt", "می\u200cخواهم 👩\u200d💻.txt"),
        ("end. . .", "end"),
        ("  many   blanks .txt", "many blanks .txt"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("x." + "y" * 300, "x." + "y" * 198),
        ("..txt", "..txt"),
    ],
)
def test_a_name_becomes_one_that_every_system_can_store(sent: str, kept: str) -> None:
    assert names.cleaned(sent) == kept
    assert names.cleaned(kept) == kept


@pytest.mark.parametrize(
    "sent", ["", " ", ".", "..", "...", "../a", "a/b", "a\\b", "a\0.txt", "a\n.txt", "\u202e", "\x7f"]
)
def test_a_name_that_is_none_or_a_path_is_refused(sent: str) -> None:
    with pytest.raises(BadInput):
        names.cleaned(sent)
