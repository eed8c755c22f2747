"""Clients that win deals over HTTP and write to the buyers; what is not answered is sent again, under the same key."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crm.columns import now
from tests.outages.installation import Installation

CLIENTS = 6
#: of every so many deals, two requests are sent that have to be refused
REFUSED_EACH = 5
#: and of every so many deals, whoever sells them does not wait longer than this for the first answers, and sends again
HASTY_EACH = 7
HASTY_S = 0.02
#: no client has to wait longer for an answer, however often it asks
PATIENCE_S = 300.0
PAUSE_S = 0.05
#: no deal has this number
NOBODY = 2**40


@dataclass(slots=True)
class Sales:
    """`won` and `written` name the deals whose request was answered by 200, `again` the keys that were sent more than
    once and when they were sent last; `wrong` are answers that should have been others.
    """

    installation: Installation
    deals: Sequence[int]
    won_stage: int
    done: int = 0
    won: set[int] = field(default_factory=set)
    written: set[int] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    again: dict[str, datetime] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def client(self, place: int) -> None:
        client = _Client(self)
        for deal in self.deals[place::CLIENTS]:
            if self.stop.is_set():
                return
            if deal % REFUSED_EACH == 0:
                self._is_refused("mail", client.post("emails", f"no-mail-{deal}", _mail(deal, "refused", "nobody")))
                self._is_refused("bulk", client.post("opportunities/bulk", f"no-win-{deal}", self._bulk(deal)))
            hasty = deal % HASTY_EACH == 0
            if self._is_good(client.post(f"opportunities/{deal}/win", f"win-{deal}", {}, hasty=hasty)):
                self.won.add(deal)
            if self._is_good(client.post("emails", f"mail-{deal}", _mail(deal, "buyer"), hasty=hasty)):
                self.written.add(deal)
            self.done += 1

    def has_done(self, count: int) -> bool:
        return self.done >= count

    def _bulk(self, deal: int) -> dict[str, Any]:
        """The first row wins the deal, the second is about none."""
        return {"update": [{"id": deal, "stageId": self.won_stage}, {"id": NOBODY, "name": "Nobody's"}]}

    def _is_good(self, status: int) -> bool:
        if status != 200:
            self.wrong.append(f"{status} instead of 200")
        return status == 200

    def _is_refused(self, kind: str, status: int) -> None:
        self.refused[kind] += status == 400
        if status != 400:
            self.wrong.append(f"{status} for a {kind} to be refused")


def _mail(deal: int, *to: str) -> dict[str, Any]:
    """To one who has an address; whoever follows has none, so that the mail to the first is not kept either."""
    first, *others = to
    text = {"subject": f"{first} {deal}", "text": "Won!"}
    return {"recordType": "opportunity", "recordId": deal, "to": [f"{first}{deal}@example.com", *others], **text}


class _Client:
    """One line to the web that is opened again whenever it was cut."""

    def __init__(self, sales: Sales) -> None:
        self._sales = sales
        port, token = sales.installation.ports["web 1"], sales.installation.token
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(self, path: str, key: str, body: dict[str, Any], *, hasty: bool = False) -> int:
        """The status of the answer, which is asked for until it comes; 0 if it never does."""
        deadline, sent = time.monotonic() + PATIENCE_S, 0
        while time.monotonic() < deadline and not self._sales.stop.is_set():
            try:
                self._line.request("POST", f"/api/{path}", json.dumps(body), {**self._headers, "Idempotency-Key": key})
                sent += 1
                if hasty and sent == 1:
                    time.sleep(HASTY_S)
                    raise TimeoutError
                if sent > 1:
                    self._sales.again[key] = now()
                answer = self._line.getresponse()
                answer.read()
                if answer.status != 503:
                    return answer.status
            except (OSError, http.client.HTTPException):
                self._line.close()
            time.sleep(PAUSE_S)
        return 0


@contextmanager
def selling(sales: Sales) -> Iterator[None]:
    """All deals have been tried when this ends, unless the block fails."""
    threads = [threading.Thread(target=sales.client, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    except BaseException:
        sales.stop.set()
        raise
    finally:
        for thread in threads:
            thread.join()
