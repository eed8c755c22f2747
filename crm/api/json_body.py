"""The one JSON reader: size, UTF-8, depth, 64-bit numbers, no NaN, no doubled keys, an object at the top."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from crm.errors import BadInput, TooLarge, UnsupportedMedia

BODY_LIMIT = 1024 * 1024
DEPTH_LIMIT = 32
_LONGEST_NUMBER = 400


def check_type(content_type: str, encoding: str) -> None:
    """UnsupportedMedia unless it says JSON (in UTF-8, if it says a charset), and that nothing has been compressed."""
    if encoding.strip().lower() not in ("", "identity"):
        raise UnsupportedMedia("The body must be sent without a Content-Encoding")
    kind, _, parameters = content_type.partition(";")
    charset = parameters.partition("charset=")[2].strip().strip('"').lower()
    if kind.strip().lower() != "application/json" or charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMedia("The body must be sent as application/json")


def too_large() -> TooLarge:
    return TooLarge("The body may have at most %(limit)s bytes", limit=BODY_LIMIT)


def parse_object(body: bytes) -> dict[str, Any]:
    """The object in `body`; BadInput says what is wrong with it."""
    try:
        value = json.loads(body.decode("utf-8"), **_STRICT)
    except UnicodeDecodeError:
        raise BadInput("The body is not valid UTF-8") from None
    except RecursionError:
        raise BadInput("The body is nested too deeply") from None
    except ValueError:
        raise BadInput("The body is not valid JSON") from None
    if not isinstance(value, dict):
        raise BadInput("The body must be a JSON object")
    _check(value, DEPTH_LIMIT)
    return value


def _check(value: Any, depth: int) -> None:
    """Depth, and text that can be stored: half a surrogate pair is no text."""
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise BadInput("The body holds text that is not valid Unicode") from None
        return
    if isinstance(value, dict | list):
        if depth == 0:
            raise BadInput("The body is nested too deeply")
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            _check(part, depth - 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadInput("The body names a key twice")
    return made


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**63:
        raise BadInput("The body holds a number beyond 64 bits")
    return value


def _float(text: str) -> float:
    value = float(text) if len(text) <= _LONGEST_NUMBER else math.inf
    if math.isinf(value):
        raise BadInput("The body holds a number beyond 64 bits")
    return value


def _constant(text: str) -> NoReturn:
    raise BadInput("The body holds %(name)s, which is no JSON number", name=text)


_STRICT: dict[str, Any] = {
    "object_pairs_hook": _once,
    "parse_int": _integer,
    "parse_float": _float,
    "parse_constant": _constant,
}
