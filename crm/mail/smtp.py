"""One mail to one recipient over SMTP, in two halves: all that may be repeated, and the handing over, which may not.

The answers of a server fall into four kinds: it took the mail (`Answer`), it will never take it (`Refused`), it may
take it later (`TryLater`; `Away`: nor any other mail), or nobody knows (`NoAnswer`: the line went dead after the body
was sent).
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage

from crm.jobs.killpoints import reach
from crm.mail.message import as_bytes
from crm.settings import Settings

#: to connect, and for each answer before the body; trying again costs nothing
TIMEOUT_S = 15.0
#: a server may look long at what it was given, and silence costs a human's time
ANSWER_TIMEOUT_S = 60.0
GOODBYE_TIMEOUT_S = 5.0
#: it closes, or wants a login or TLS first: whatever the mail, the next would fare no better
_NOBODY = frozenset({421, 530, 535, 538})
_NOT_ASCII = "SMTP_USER and SMTP_PASSWORD can hold ASCII only"
_UNREACHABLE = "The mail server %s:%s does not take mail from us: %s"


class MailError(Exception):
    """`code` is the server's (0 without one), `reply` its text or what went wrong."""

    def __init__(self, code: int, reply: str) -> None:
        self.code, self.reply = code, reply
        super().__init__(f"{code} {reply}" if code else reply)


class Refused(MailError):
    """5xx: this mail will never be taken."""


class TryLater(MailError):
    """4xx: nothing was handed over."""


class Away(TryLater):
    """No server, or one that takes nothing from us now (421, 530): the next mail would fare no better."""


class NoAnswer(MailError):
    """The body was sent and no answer came: delivered or not, nobody can tell."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The server took it."""

    code: int
    reply: str


class Handover:
    """A server that has accepted sender and recipient and waits for the body."""

    def __init__(self, server: smtplib.SMTP, body: bytes) -> None:
        self._server, self._body = server, body

    def complete(self) -> Answer:
        """DATA and the body; raises Refused, TryLater or NoAnswer."""
        self._ask_for_body()
        reach("after_data")
        try:
            if self._server.sock is not None:
                self._server.sock.settimeout(ANSWER_TIMEOUT_S)
            self._server.send(_dotted(self._body))
            reach("after_body")
            code, reply = self._server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise NoAnswer(0, _text(error)) from None
        if 400 <= code < 600:
            raise _verdict(code, reply)
        if not 200 <= code < 300:  # neither yes nor no
            raise NoAnswer(max(code, 0), _text(reply))
        reach("after_250")
        return Answer(code, _text(reply))

    def _ask_for_body(self) -> None:
        """As long as the server has not said 354, nothing was handed over, whatever happens to the line."""
        try:
            code, reply = self._server.docmd("DATA")
        except (OSError, smtplib.SMTPException) as error:
            raise Away(0, _text(error)) from None
        if code != 354:
            raise _verdict(code, reply)


@contextmanager
def connected(settings: Settings, message: EmailMessage, *, sender: str, recipient: str) -> Iterator[Handover]:
    """Connect, secure, sign in, name sender and recipient: as often as need be. Raises Refused, TryLater, Away."""
    server = _connect(settings)
    try:
        yield _announce(server, message, sender, recipient)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            if server.sock is not None:
                server.sock.settimeout(GOODBYE_TIMEOUT_S)
            server.quit()


def _connect(settings: Settings) -> smtplib.SMTP:
    """Connected, secured and signed in; whatever fails here is the server's trouble, not the mail's."""
    server: smtplib.SMTP | None = None
    try:
        server = _opened(settings)
        if settings.smtp_security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
        return server
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        if server is not None:
            server.close()
        if isinstance(error, UnicodeError):  # which holds a letter of the password
            error = smtplib.SMTPException(_NOT_ASCII)
        code, reply = getattr(error, "smtp_code", 0), getattr(error, "smtp_error", error)
        raise Away(code, _UNREACHABLE % (settings.smtp_host, settings.smtp_port, _text(reply))) from None


def _opened(settings: Settings) -> smtplib.SMTP:
    host, port = settings.smtp_host, settings.smtp_port
    own = socket.gethostname()  # the default asks the name server, which may take its time
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, local_hostname=own, timeout=TIMEOUT_S, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, local_hostname=own, timeout=TIMEOUT_S)


def _announce(server: smtplib.SMTP, message: EmailMessage, sender: str, recipient: str) -> Handover:
    """EHLO, MAIL FROM, RCPT TO."""
    try:
        server.ehlo_or_helo_if_needed()
        international = not (sender + recipient + _addresses(message)).isascii()
        if international and not server.has_extn("smtputf8"):
            raise Refused(0, "The mail server takes only addresses of plain letters (no SMTPUTF8)")
        options = ["SMTPUTF8", "BODY=8BITMIME"] if international else []
        _accepted(server.mail(sender, options))
        _accepted(server.rcpt(recipient))
        return Handover(server, as_bytes(message, international=international))
    except (OSError, smtplib.SMTPException) as error:
        raise Away(0, _text(error)) from None


def _addresses(message: EmailMessage) -> str:
    """All that the headers show: a copy names others than it goes to."""
    headers = [header for name in ("To", "Cc") for header in message.get_all(name, ())]
    return "".join(address.addr_spec for header in headers for address in header.addresses)


def _accepted(answer: tuple[int, bytes]) -> None:
    code, reply = answer
    if code not in (250, 251):
        raise _verdict(code, reply)


def _dotted(body: bytes) -> bytes:
    """The body as SMTP wants it: a dot at the start of a line is doubled, a dot alone is the end."""
    doubled = re.sub(rb"(?m)^\.", b"..", body)
    return doubled + (b".\r\n" if doubled.endswith(b"\r\n") else b"\r\n.\r\n")


def _verdict(code: int, reply: bytes | str) -> MailError:
    kind = Away if code in _NOBODY else Refused if 500 <= code < 600 else TryLater
    return kind(code, _text(reply))


def _text(reply: bytes | str | Exception) -> str:
    """At most 500 printable characters."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return " ".join(text.split())[:500] or type(reply).__name__
