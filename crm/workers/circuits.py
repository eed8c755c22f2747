"""Servers in trouble: after a few failures in a row nobody tries for a while, then one does and the others wait."""

from __future__ import annotations

import threading
from functools import cache
from time import monotonic

#: failures in a row; one alone is a hiccup
FAILURES = 3
PAUSES_S = (5.0, 10.0, 20.0, 40.0, 60.0)
#: so long the others wait for the one that tries
TRIAL_S = 90.0


class Circuit:
    """What this process knows of one server; asked and told by several threads."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._failures = 0
        self._free_at = 0.0

    def wait_s(self) -> float:
        """Seconds until somebody may try; 0: try, and tell how it went."""
        with self._mutex:
            if self._failures < FAILURES:
                return 0.0
            left_s = self._free_at - monotonic()
            if left_s <= 0:
                self._free_at = monotonic() + TRIAL_S
            return max(0.0, left_s)

    def failed(self) -> float:
        """The server did not answer; for so many seconds nobody shall try, 0 if it may have been a hiccup."""
        with self._mutex:
            self._failures += 1
            if self._failures < FAILURES:
                return 0.0
            pause_s = PAUSES_S[min(self._failures - FAILURES, len(PAUSES_S) - 1)]
            self._free_at = monotonic() + pause_s
            return pause_s

    def worked(self) -> bool:
        """The server answered; had it been given up?"""
        with self._mutex:
            was_open = self._failures >= FAILURES
            self._failures = 0
            return was_open


@cache
def of_mail_server(_host: str, _port: int) -> Circuit:
    """One a process and server."""
    return Circuit()
