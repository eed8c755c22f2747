"""A real SMTP server for the tests, which answers as it is told to."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

#: for 127.0.0.1, signed by itself, with its key: of no use to anybody but these tests
CERTIFICATE = Path(__file__).with_name("localhost.pem")


class PostOffice:
    """Keeps what it takes; the lists are the answers it gives, one per mail, then the usual ones.

    `at_data` answers the body, `before_data` the command that announces it.  An answer that is no number ends the
    line: `taken, then silence` after the body was kept, `half an answer` in the middle of one, anything else at once.
    `waits` keeps the line open and says nothing.
    """

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.at_connect: list[str] = []
        self.at_ehlo: list[str] = []
        self.at_mail: list[str] = []
        self.at_rcpt: list[str] = []
        self.before_data: list[str] = []
        self.at_data: list[str] = []
        self.connections = 0
        self.logins: list[tuple[bytes, bytes]] = []
        self.port = 0

    async def handle_EHLO(
        self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [self.at_ehlo[0]] if self.at_ehlo else responses

    async def handle_HELO(self, server: Any, session: Any, _envelope: Any, hostname: str) -> str:
        """Clients ask in this way where EHLO was refused: the same answer."""
        session.host_name = hostname
        return self.at_ehlo.pop(0) if self.at_ehlo else f"250 {server.hostname}"

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> str:
        answer = self.at_mail.pop(0) if self.at_mail else "250 OK"
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        answer = self.at_rcpt.pop(0) if self.at_rcpt else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        answer = self.at_data.pop(0) if self.at_data else "250 taken as 4711"
        if answer.startswith("250") or answer in ("taken, then silence", "half an answer", "waits", "hello"):
            self.raw.append(envelope.original_content)
            self.taken.append(email.message_from_bytes(envelope.original_content, policy=default))
        if answer == "waits":
            await asyncio.Event().wait()
        if answer == "half an answer":
            server.transport.write(b"25")
            server.transport.close()
        elif answer != "hello" and not answer[0].isdigit():
            server.transport.abort()
        return answer

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"correct", handled=False)


class _Server(SMTP):
    """Says what the office is told to say where aiosmtpd has no hook."""

    async def push(self, status: Any) -> None:
        office: PostOffice = self.event_handler
        greets = str(status).startswith("220 ") and self.session is not None and not self.session.extended_smtp
        if greets and self.session is not None and self.session.host_name is None:
            office.connections += 1
            status = office.at_connect.pop(0) if office.at_connect else status
        await super().push(status)

    async def smtp_DATA(self, arg: str) -> None:
        office: PostOffice = self.event_handler
        answer = office.before_data.pop(0) if office.before_data else ""
        if not answer:
            await super().smtp_DATA(arg)
        elif answer[0].isdigit():
            await self.push(answer)
        else:
            transport: Any = self.transport
            transport.abort()


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


@contextmanager
def opened(*, asks_for_login: bool = False, tls: str = "none", international: bool = True) -> Iterator[PostOffice]:
    """A server on a free port of this machine; `tls` is `none`, `starttls` (and nothing without it) or `tls`.

    `international`: it takes addresses of all alphabets (SMTPUTF8).
    """
    office = PostOffice()
    options: dict[str, Any] = {"enable_SMTPUTF8": international}
    if asks_for_login:
        options |= {"authenticator": office.authenticate, "auth_required": True, "auth_require_tls": False}
    if tls == "tls":
        options["ssl_context"] = _certified()
    elif tls == "starttls":
        options |= {"tls_context": _certified(), "require_starttls": True}
    office.port = _free_port()
    controller = _Controller(office, hostname="127.0.0.1", port=office.port, ready_timeout=30, **options)
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


def _certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def _free_port() -> int:
    with closing(socket.socket()) as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
