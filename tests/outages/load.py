"""A small, steady load over HTTP that remembers every answer: when it was asked for, how long it took, what it was."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.outages.installation import Installation

CLIENTS = 6
#: between two requests of one client
PAUSE_S = 0.05
#: longer than anything may take; an answer that does not come within it is none
PATIENCE_S = 30.0
NONE = 0
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is NONE where the line was cut or nothing came; `retry` tells of a Retry-After."""

    at: float
    took_s: float
    kind: str
    status: int
    retry: bool


@dataclass(slots=True)
class Load:
    """`answers` of all clients; `kept` are the subjects of mails whose request was answered by 200."""

    installation: Installation
    ports: Sequence[int]
    answers: list[Answer] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def client(self, place: int) -> None:
        kinds = itertools.islice(itertools.cycle(("read", "write", "page", "list")), place, None)
        while not self.stop.wait(PAUSE_S):
            self._ask(next(kinds))

    def _ask(self, kind: str) -> None:
        subject = f"mail {next(_numbers)}"
        began = time.monotonic()
        status, retry = NONE, False
        with suppress(OSError, http.client.HTTPException):
            status, retry = self._send(kind, subject)
        self.answers.append(Answer(began, time.monotonic() - began, kind, status, retry))
        if kind == "write" and status == 200:
            self.kept.append(subject)

    def _send(self, kind: str, subject: str) -> tuple[int, bool]:
        """To the first process that takes connections, as a balancer would."""
        method, path, body, headers = _request(self.installation, kind, subject)
        for port in self.ports:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            try:
                connection.connect()
            except ConnectionRefusedError:
                continue
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                answer.read()
                return answer.status, answer.getheader("Retry-After") is not None
            finally:
                connection.close()
        raise ConnectionRefusedError


def _request(installation: Installation, kind: str, subject: str) -> tuple[str, str, bytes | None, dict[str, str]]:
    bearer = {"Authorization": f"Bearer {installation.token}"}
    if kind == "write":
        about = {"recordType": "customer", "recordId": installation.customer_id}
        sent = {**about, "to": ["bo@example.com"], "subject": subject, "text": "Hello"}
        return "POST", "/api/emails", json.dumps(sent).encode(), {**bearer, "Content-Type": "application/json"}
    if kind == "page":
        return "GET", "/admin/customer/list", None, {"Cookie": f"crm_session={installation.cookie}"}
    path = f"/api/customers/{installation.customer_id}" if kind == "read" else "/api/customers?page=1"
    return "GET", path, None, bearer


@contextmanager
def running(installation: Installation, ports: Sequence[int] = ()) -> Iterator[Load]:
    """The load goes on while the block runs."""
    load = Load(installation, ports or installation.ports_in_turn)
    with at_work(load.client, load.stop):
        yield load


@contextmanager
def at_work(client: Callable[[int], None], stop: threading.Event) -> Iterator[None]:
    """CLIENTS of them, each told its place, until `stop` is set at the end of the block."""
    threads = [threading.Thread(target=client, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True, slots=True)
class Phase:
    """What a stretch of time looked like from outside."""

    count: int
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float
    longest_s: float
    #: answers other than 200 and a 503 that says when to come again
    wrong: int


def phase(answers: Sequence[Answer], begin: float, end: float) -> Phase:
    """Of the requests that were sent between two moments."""
    asked = [answer for answer in answers if begin <= answer.at < end]
    times = sorted(answer.took_s for answer in asked) or [0.0]
    wrong = sum(not (a.status == 200 or (a.status == 503 and a.retry)) for a in asked)
    p50, p99 = times[len(times) // 2] * 1000, times[len(times) * 99 // 100] * 1000
    return Phase(len(asked), dict(Counter(a.status for a in asked)), p50, p99, times[-1], wrong)
