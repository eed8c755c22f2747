"""Who looks at the panel: the signed-in actor, their session, language and zone, for one request."""

from __future__ import annotations

import base64
import hmac
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from crm.actor import Actor

#: feeds SQLAdmin's sessionmaker, which is not told of the request; everything else reads the visitor
current_actor: ContextVar[Actor | None] = ContextVar("crm_panel_actor", default=None)


@dataclass(slots=True)
class Visitor:
    """`secret` is what the forms' tokens are made of; `cookie` names the session; `unread` counts notifications.

    `trouble` counts jobs that need somebody, `is_copy` tells of a restored backup that holds its mail.
    `mark` says whose a form is after its session, too (see `unsaved`).
    """

    actor: Actor | None
    cookie: str
    secret: str
    mark: str = ""
    unread: int = 0
    trouble: int = 0
    is_copy: bool = False

    @property
    def token(self) -> str:
        """The secret under a mask of its own each time: a compressed page that echoes input gives nothing away."""
        secret = self.secret.encode()
        mask = secrets.token_bytes(len(secret))
        masked = base64.urlsafe_b64encode(mask + bytes(a ^ b for a, b in zip(mask, secret, strict=True))).decode()
        return f"{masked}.{self.mark}"

    def accepts(self, token: str) -> bool:
        """Whether a form's token was made from this visitor's secret."""
        try:
            raw = base64.urlsafe_b64decode(token.partition(".")[0].encode())
        except (ValueError, UnicodeEncodeError):
            return False
        half = len(raw) // 2
        sent = bytes(a ^ b for a, b in zip(raw[:half], raw[half:], strict=False))
        return bool(self.secret) and hmac.compare_digest(sent, self.secret.encode())


def visitor_of(request: HTTPConnection) -> Visitor:
    found: Visitor = request.scope["state"]["visitor"]
    return found


def actor_of(request: HTTPConnection) -> Actor:
    """The signed-in actor; only routes behind the door may ask."""
    actor = visitor_of(request).actor
    if actor is None:
        raise RuntimeError("nobody has signed in")
    return actor
