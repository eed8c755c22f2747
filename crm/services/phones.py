"""Telephone numbers in one spelling: +8613812345678, where the country is known; the text as it is otherwise."""

from __future__ import annotations

from functools import cache

import phonenumbers
from babel import Locale

_LANGUAGES = ("en", "zh")


def normalised(text: str, *, country: str = "") -> str:
    """`text` as E.164, with its extension, if it is a possible number; else `text`, trimmed.

    `country` is what people wrote (China, 中国, CN); it is needed only where the number does not begin with +.
    """
    trimmed = text.strip()
    try:
        number = phonenumbers.parse(trimmed, region_of(country))
    except phonenumbers.NumberParseException:
        return trimmed
    if not phonenumbers.is_valid_number(number):
        return trimmed
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{plain} ext. {number.extension}" if number.extension else plain


def region_of(country: str) -> str | None:
    """The code of a country given by its code or by its English or Chinese name; None if it is not known."""
    code = country.strip().upper()
    return code if code in phonenumbers.SUPPORTED_REGIONS else _regions().get(country.strip().casefold())


@cache
def _regions() -> dict[str, str]:
    """Names of all countries, in lower case → their codes."""
    return {
        name.casefold(): code
        for language in _LANGUAGES
        for code, name in Locale(language).territories.items()
        if code in phonenumbers.SUPPORTED_REGIONS
    }
