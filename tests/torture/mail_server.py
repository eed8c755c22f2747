"""An SMTP server that takes mail, or behaves in one of fourteen other ways; it counts what it was really given."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

from tests.loops import serving

#: what happens → how often, in percent; each recipient meets one, at the first try, and is then well received
BEHAVIOURS = {
    "accept": 60,
    "accept after 120 ms": 18,
    "421 at connect": 1,
    "drop at connect": 1,
    "421 at EHLO": 1,
    "451 at MAIL": 2,
    "450 at RCPT": 3,
    "550 at RCPT": 3,
    "451 at DATA": 3,
    "drop before DATA": 2,
    "drop within the body": 1,
    "taken, then drop": 1,
    "taken, then silence": 1,
    "452 after the dot": 2,
    "554 after the dot": 1,
}
#: of these the sender is told for good
REFUSING = frozenset({"550 at RCPT", "554 after the dot"})
GO_ON = "354 go on"
_BEFORE_RCPT = ("421 at connect", "drop at connect", "421 at EHLO", "451 at MAIL")


class MailServer:
    """`taken` counts, by recipient, the bodies whose final dot arrived and which the server kept.

    Who is the first to name a recipient of `to_hold` hears nothing until it is taken out of `held`.
    """

    def __init__(self, *, seed: int = 1, behaves: bool = False) -> None:
        self.taken: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.met: Counter[str] = Counter()
        self.to_hold: set[str] = set()
        self.held: set[str] = set()
        self.port = 0
        self._random = Random(seed)
        self._tried: set[str] = set()
        self._behaves = behaves

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        early = self._early()
        if early == "drop at connect":
            return
        if early == "421 at connect":
            return _say(writer, "421 too busy")
        _say(writer, "220 torture")
        recipient = behaviour = ""
        while line := (await reader.readline()).decode("ascii", "replace").strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                recipient = line[line.index("<") + 1 : line.index(">")]
                behaviour = self._meet(recipient)
                await self._hold(recipient)
            elif verb == "DATA" and behaviour == "drop before DATA":
                return
            answer = _answer(verb, early, behaviour)
            _say(writer, answer)
            if verb == "QUIT" or (answer == GO_ON and not await self._take(reader, writer, recipient, behaviour)):
                return

    async def _hold(self, recipient: str) -> None:
        if recipient not in self.to_hold:
            return
        self.to_hold.remove(recipient)
        self.held.add(recipient)
        while recipient in self.held:
            await asyncio.sleep(0.01)

    async def _take(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipient: str, behaviour: str
    ) -> bool:
        """False: the line is cut."""
        if behaviour == "drop within the body":
            await reader.readline()
            return False
        await reader.readuntil(b"\r\n.\r\n")
        if behaviour.endswith("after the dot"):
            _say(writer, f"{behaviour[:3]} no")
            return True
        self.taken[recipient] += 1
        if behaviour == "taken, then silence":
            await reader.read()
        if behaviour.startswith("taken"):
            return False
        if behaviour == "accept after 120 ms":
            await asyncio.sleep(0.12)
        _say(writer, f"250 taken as {recipient}")
        return True

    def _early(self) -> str:
        """Nobody knows yet whom it is for, so these are met by chance."""
        if self._behaves:
            return ""
        drawn = self._random.uniform(0, 100)
        for behaviour in _BEFORE_RCPT:
            drawn -= BEHAVIOURS[behaviour]
            if drawn < 0:
                self.met[behaviour] += 1
                return behaviour
        return ""

    def _meet(self, recipient: str) -> str:
        if self._behaves or recipient in self._tried:
            return "accept"
        self._tried.add(recipient)
        late = {name: weight for name, weight in BEHAVIOURS.items() if name not in _BEFORE_RCPT}
        (behaviour,) = self._random.choices(list(late), list(late.values()))
        self.met[behaviour] += 1
        if behaviour in REFUSING:
            self.refused.add(recipient)
        return behaviour


def _answer(verb: str, early: str, behaviour: str) -> str:
    if verb in ("EHLO", "HELO") and early == "421 at EHLO":
        return "421 closing"
    if verb == "MAIL" and early == "451 at MAIL":
        return "451 later"
    if verb == "RCPT" and behaviour.endswith("RCPT"):
        return f"{behaviour[:3]} no"
    if verb == "DATA":
        return "451 not now" if behaviour == "451 at DATA" else GO_ON
    return "221 bye" if verb == "QUIT" else "250 ok"


def _say(writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(f"{line}\r\n".encode())


@contextmanager
def running(*, seed: int = 1, behaves: bool = False) -> Iterator[MailServer]:
    """In a thread of its own, on a free port of this machine; with `behaves` it takes everything at once."""
    server = MailServer(seed=seed, behaves=behaves)

    async def begin() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]

    with serving(begin):
        yield server
