"""Both languages are complete: every text the panel may show stands in the Chinese catalogue, with its placeholders."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel.messages.pofile import read_po

from crm import formats, i18n
from crm.errors import NotFound, invalid
from tests import messages

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


@pytest.fixture(autouse=True)
def english() -> None:
    i18n.use("en")
    formats.use_zone("UTC")


def test_every_text_has_a_chinese_translation() -> None:
    catalogue = messages.chinese()
    missing = [
        f"{place}: {text}"
        for text, place in messages.every().items()
        if not (found := catalogue.get(text)) or not found.string or found.fuzzy
    ]
    assert not missing, "run python -m tests.messages and translate:\n" + "\n".join(missing)


def test_translations_keep_their_placeholders() -> None:
    for message in messages.chinese():
        if message.id:
            wanted, given = (sorted(set(PLACEHOLDER.findall(str(t)))) for t in (message.id, message.string))
            assert given == wanted, message.id


def test_the_catalogue_holds_nothing_that_is_used_no_more() -> None:
    used = messages.every()
    assert not [m.id for m in messages.chinese() if m.id and m.id not in used]


def test_chinese_texts_use_full_width_punctuation_between_han() -> None:
    half = re.compile(r"[\u4e00-\u9fff][,;!?]|[\u4e00-\u9fff]:(?!//)")
    wrong = [m.string for m in messages.chinese() if m.id and half.search(str(m.string))]
    assert not wrong


def test_english_labels_only_replace_texts_that_exist() -> None:
    path = i18n.LOCALE_DIR / "en" / "LC_MESSAGES" / "crm.po"
    with path.open("rb") as file:
        ids = {str(m.id) for m in read_po(file, locale="en") if m.id}
    assert ids
    assert not ids - messages.every().keys()


def test_a_lazy_text_follows_the_reader_and_stays_one_key() -> None:
    name = i18n.lazy("Customer")
    labels: dict[str, int] = {name: 1}
    i18n.use("zh")
    assert f"{name}" == str(name) == name.__html__() == "客户"
    assert labels["Customer"] == 1
    i18n.use("en")
    assert str(name) == "Customer"


def test_an_unknown_language_means_english() -> None:
    i18n.use("tlh")
    assert i18n.current() == "en"
    assert i18n.translate("tlh", "Customer") == "Customer"


def test_the_language_is_chosen_from_cookie_profile_and_header_in_that_order() -> None:
    assert i18n.negotiate("zh", "en", accept="de") == "zh"
    assert i18n.negotiate(None, "zh", accept="en") == "zh"
    assert i18n.negotiate("xx", None, accept="de;q=0.9, zh-CN;q=0.8, en;q=0.1") == "zh"
    assert i18n.negotiate(None, accept="fr;q=abc, ;;,") == "en"


def test_errors_speak_the_readers_language_and_name_the_field_by_its_label() -> None:
    i18n.use("zh")
    assert i18n.error_text(NotFound("%(what)s not found", what="Customer")) == "未找到客户"
    assert i18n.error_text(invalid("expectedCloseDate", "is required")) == "预计成交：必填"


def test_dates_follow_language_and_zone() -> None:
    late = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
    assert formats.day(date(2026, 12, 8)) == "8 Dec 2026"
    assert formats.moment(late) == "29 Nov 2026, 23:30"
    i18n.use("zh")
    formats.use_zone("Asia/Shanghai")
    assert formats.day(date(2026, 12, 8)) == "2026-12-08"
    assert formats.moment(late) == "2026-11-30 07:30"


def test_money_has_its_sign_or_code_and_decimals_only_where_there_are_any() -> None:
    assert formats.money(Decimal("486000.00"), "USD") == "$486,000"
    assert formats.money(Decimal("-1250.50"), "CNY") == "-¥1,250.50"
    assert formats.money(Decimal("900"), "SEK") == "SEK 900"
