"""Where a page of a timeline begins, and that place as an opaque text."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

import orjson

from crm.errors import invalid
from crm.services.timeline_sources import SOURCES


@dataclass(frozen=True, slots=True)
class Place:
    """Behind the entry of this instant, source and number."""

    at: datetime
    source: str
    id: int


def write_place(place: Place) -> str:
    """The place as clients hand it back."""
    text = orjson.dumps([place.at, place.source, place.id], option=orjson.OPT_UTC_Z)
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_place(text: str) -> Place | None:
    """None for an empty text; BadInput for what no timeline has given."""
    if not text:
        return None
    try:
        at, source, key = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or source not in {s.name for s in SOURCES} or not 0 <= int(key) < 2**63:
            raise ValueError
    except (ValueError, TypeError, binascii.Error):
        raise invalid("cursor", "is not a cursor this list has given") from None
    return Place(moment, source, int(key))
