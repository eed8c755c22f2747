"""What was typed into a form that came too late: its session had ended, or it was opened in an earlier one.

Nothing is stored.  The texts go into the page that asks for the sign-in, signed, and come back with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn
from urllib.parse import parse_qsl, urlencode

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Scope

from crm.actor import Actor
from crm.admin.bodies import LARGEST, MOST_FIELDS
from crm.admin.visitor import visitor_of
from crm.errors import BadInput, CrmError, Forbidden
from crm.files.form import FileForm, Room
from crm.files.receiving import drain, receive

Texts = list[tuple[str, str]]
#: the hidden input that brings the texts back
FIELD = "unsaved"
#: takes files, and shows its form again when asked by POST; all others show theirs by GET
MAIL = re.compile(r"/[a-z-]+/mail/[0-9]+")
_FORMS = re.compile(
    r"/[a-z-]+/create|/[a-z-]+/(?:edit|mail|timeline)/[0-9]+|/[a-z-]+/do/[0-9]+/[a-z_]+"
    r"|/role/grants/[0-9]+|/preferences"
)
_NEVER = re.compile(r"csrf_token|unsaved|.*(?:password|secret|token).*", re.IGNORECASE)
#: what a form bears besides what somebody typed
_BARE = frozenset({"version", "shown", "back", "save", "step"})
#: signed, in characters; with it the sign-in page's form is still one that the door takes
_LONGEST = LARGEST - 128 * 1024
_DRAINED, _DRAINING_S = 64 * 1024 * 1024, 60.0


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Who typed, where (path and query below the panel), and what: names and texts in the order of the form."""

    user_id: int
    address: str
    texts: Texts

    @property
    def path(self) -> str:
        return self.address.partition("?")[0]

    def belongs(self, actor: Actor | None, path: str) -> bool:
        """Whether this actor typed it, at this address."""
        return actor is not None and actor.user_id == self.user_id and path == self.path


class Stale(Forbidden):
    """A form without a good token, found so by a route that reads it itself."""

    def __init__(self, texts: Texts) -> None:
        super().__init__("Forbidden")
        self.texts = texts


def check(request: Request, texts: Texts) -> None:
    """Raises Stale unless the form bears the visitor's token."""
    if not visitor_of(request).accepts(dict(texts).get("csrf_token", "")):
        raise Stale(list(texts))


# ---------------------------------------------------------------------------------------------- signatures


@lru_cache(maxsize=1024)
def mark(secret: str, user_id: int) -> str:
    """Says in every form whose it is, also after the session; no secret, but nobody else can make one."""
    return str(URLSafeSerializer(secret, salt="panel form of").dumps(user_id))


def whose(secret: str, token: str) -> int | None:
    """The user whose form bears this token, whether or not it is still good."""
    try:
        found = URLSafeSerializer(secret, salt="panel form of").loads(token.partition(".")[2])
    except BadSignature:
        return None
    return found if isinstance(found, int) else None


def sign(secret: str, unsaved: Unsaved) -> str:
    """For the hidden input `FIELD`."""
    return str(_signer(secret).dumps([unsaved.user_id, unsaved.address, unsaved.texts]))


def read(secret: str, text: str) -> Unsaved | None:
    """What `sign` made; None for anything else."""
    try:
        user_id, address, texts = _signer(secret).loads(text)
    except (BadSignature, TypeError, ValueError):
        return None
    return Unsaved(user_id, address, [(name, value) for name, value in texts])


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="panel unsaved")


# ---------------------------------------------------------------------------------------------- a form that came late


def of(secret: str, address: str, texts: Texts) -> Unsaved | None:
    """What is kept of a refused form: None if it is none of ours, holds nothing typed, or more than can be kept.

    Passwords and tokens are left out.
    """
    user_id = whose(secret, dict(texts).get("csrf_token", ""))
    kept = [(name, value) for name, value in texts if not _NEVER.fullmatch(name)]
    if user_id is None or not _FORMS.fullmatch(address.partition("?")[0]) or not {n for n, _ in kept} - _BARE:
        return None
    unsaved = Unsaved(user_id, address, kept)
    return unsaved if len(sign(secret, unsaved)) <= _LONGEST else None


def is_form(path: str) -> bool:
    """Whether what is typed at this address (below the panel) can be shown again."""
    return _FORMS.fullmatch(path) is not None


def pairs(body: bytes) -> Texts:
    """The texts of a form without files."""
    try:
        return parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return []


async def before_files(request: Request) -> Texts:
    """The texts of a multipart form up to its first file, which nobody may send without having signed in."""
    room = Room(fields=MOST_FIELDS, longest=LARGEST, typed=True)
    texts: Texts = []
    with suppress(CrmError):
        form = FileForm(request.headers.get("content-type", ""), _no_file, room)
        texts = form.texts
        await receive(form, request.stream(), most=_DRAINED, announced=None)
    return texts


def _no_file(_name: str) -> NoReturn:
    raise BadInput("Choose a file first")


async def drain_files(request: Request) -> None:
    """A browser that is still sending files hears no answer, and they take longer than what a refusal waits for."""
    with suppress(RuntimeError):  # there were none: it has been read whole
        await drain(request.stream(), most=_DRAINED, within_s=_DRAINING_S)


# ---------------------------------------------------------------------------------------------- shown again


def shown_again(scope: Scope, unsaved: Unsaved) -> tuple[Scope, bytes]:
    """The request as one that only looks, and its body: whatever its route does by POST does not happen."""
    scope["state"]["unsaved"] = unsaved
    if not MAIL.fullmatch(unsaved.path):
        return {**scope, "method": "GET"}, b""
    texts = [(name, value) for name, value in unsaved.texts if name != "step"]
    headers = [(name, value) for name, value in scope["headers"] if name not in (b"content-type", b"content-length")]
    headers.append((b"content-type", b"application/x-www-form-urlencoded"))
    return {**scope, "headers": headers}, urlencode([*texts, ("step", "again")]).encode()


def in_state(request: Request) -> Unsaved | None:
    """What this request shows again."""
    found: Unsaved | None = request.scope["state"].get("unsaved")
    return found


def typed_in(request: Request) -> FormData | None:
    """The same as form data, for a route that shows a form by GET."""
    found = in_state(request)
    items: Iterable[tuple[str, str]] = found.texts if found else ()
    return FormData([*items]) if found else None
