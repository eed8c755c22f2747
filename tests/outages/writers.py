"""Clients that want a mail each, and ask for it with the same Idempotency-Key until somebody confirms it."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from tests.outages.installation import Installation
from tests.outages.load import at_work

#: answers that a client does not get to see
LOST = 0.03
_numbers = itertools.count(1)


@dataclass(slots=True)
class Writers:
    """Clients that want mails, one after the other; `kept` are those that were confirmed, with the moment."""

    installation: Installation
    kept: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    wrong: Counter[int] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def client(self, seed: int) -> None:
        chance = Random(seed)
        while not self.stop.is_set():
            self._want(f"mail {next(_numbers)}", str(uuid.uuid4()), chance)

    def _want(self, subject: str, key: str, chance: Random) -> None:
        """Until it is confirmed; whatever is still open when the clients stop has not been."""
        while not self.stop.is_set():
            self.asked += 1
            with suppress(OSError, http.client.HTTPException):
                status = self._post(subject, key, loses=chance.random() < LOST)
                if status == 200:
                    self.kept[subject] = time.monotonic()
                    return
                if status != 503:
                    self.wrong[status] += 1
            self.stop.wait(0.05)

    def _post(self, subject: str, key: str, *, loses: bool) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.installation.ports["web 1"], timeout=30)
        about = {"recordType": "customer", "recordId": self.installation.customer_id}
        body = json.dumps({**about, "to": ["bo@example.com"], "subject": subject, "text": "Hello"}).encode()
        bearer = f"Bearer {self.installation.token}"
        headers = {"Authorization": bearer, "Content-Type": "application/json", "Idempotency-Key": key}
        try:
            connection.request("POST", "/api/emails", body, headers)
            answer = connection.getresponse()
            if loses:
                raise ConnectionResetError
            answer.read()
            return answer.status
        finally:
            connection.close()


@contextmanager
def writing(made: Installation) -> Iterator[Writers]:
    writers = Writers(made)
    with at_work(writers.client, writers.stop):
        yield writers
