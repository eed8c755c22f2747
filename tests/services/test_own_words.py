"""What our own code wrote into rows is read in each reader's language; what others said stays as they said it."""

from __future__ import annotations

import pytest

from crm.i18n import using
from crm.services import emails, job_kinds, own_words
from crm.workers import jobs as workers
from crm.workers import registry
from crm.workers.heartbeat import Wish


@pytest.mark.parametrize(
    "text",
    [*(wish.value for wish in Wish if wish is not Wish.REPLACED), emails.UNWANTED, "the worker vanished", "released"],
)
def test_what_the_machinery_notes_is_known(text: str) -> None:
    with using("zh"):
        assert own_words.shown(text) != text
    assert own_words.shown(text) == text


def test_what_was_filled_in_is_kept_and_translated_where_it_is_ours() -> None:
    with using("zh"):
        assert "550 no such user" in own_words.shown("No answer after the body was sent: 550 no such user")
        inner = own_words.shown("No answer after the body was sent: Connection unexpectedly closed")
        assert "Connection" not in inner
        where = own_words.shown("The mail server mx.example:25 does not take mail from us: 100% busy %(x)s")
    assert "mx.example:25" in where
    assert "100% busy %(x)s" in where
    assert not where.startswith("The mail")


@pytest.mark.parametrize("text", ["", "550 5.1.1 No such user here", "Released by hand", "%(x)s"])
def test_what_others_said_stays_as_it_is(text: str) -> None:
    with using("zh"):
        assert own_words.shown(text) == text


KINDS = sorted(name for name, kind in registry.KINDS.items() if kind.run.__module__.startswith(workers.__name__))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_job_has_words(kind: str) -> None:
    assert job_kinds.title(kind) != kind
    assert job_kinds.title(kind, "zh") != job_kinds.title(kind, "en")
