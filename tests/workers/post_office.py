"""A real SMTP server for the tests, which answers as it is told to."""

from __future__ import annotations

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
from aiosmtpd.smtp import AuthResult, LoginPassword

#: for 127.0.0.1, signed by itself, with its key: of no use to anybody but these tests
CERTIFICATE = Path(__file__).with_name("localhost.pem")


class PostOffice:
    """Keeps what it takes; `at_rcpt` and `at_data` are the answers it gives, one per mail, then 250."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.at_rcpt: list[str] = []
        self.at_data: list[str] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.port = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        answer = self.at_rcpt.pop(0) if self.at_rcpt else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        answer = self.at_data.pop(0) if self.at_data else "250 taken as 4711"
        if answer.startswith("250") or answer == "taken, then silence":
            self.raw.append(envelope.original_content)
            self.taken.append(email.message_from_bytes(envelope.original_content, policy=default))
        if not answer[0].isdigit():
            server.transport.abort()
        return answer

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"correct", handled=False)


@contextmanager
def opened(*, asks_for_login: bool = False, tls: str = "none") -> Iterator[PostOffice]:
    """A server on a free port of this machine; `tls` is `none`, `starttls` (and nothing without it) or `tls`."""
    office = PostOffice()
    options: dict[str, Any] = {}
    if asks_for_login:
        options = {"authenticator": office.authenticate, "auth_required": True, "auth_require_tls": False}
    if tls == "tls":
        options["ssl_context"] = _certified()
    elif tls == "starttls":
        options |= {"tls_context": _certified(), "require_starttls": True}
    office.port = _free_port()
    controller = Controller(office, hostname="127.0.0.1", port=office.port, ready_timeout=30, **options)
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
