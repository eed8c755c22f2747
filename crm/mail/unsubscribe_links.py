"""The address in a mail by which its recipient wants no more of them: signed, and naming nobody."""

from __future__ import annotations

from itsdangerous import BadData, URLSafeSerializer

from crm.settings import Settings

PATH = "/unsubscribe"
_LONGEST = 200


def link(settings: Settings, message_id: int) -> str:
    """Below PUBLIC_URL, never below the Host of a request, which anyone may forge."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return f"{''.join(base.split()).rstrip('/')}{PATH}/{_signer(settings).dumps(message_id)}"


def read(settings: Settings, token: str) -> int | None:
    """The number of the mail that a token was made for; None for what we did not sign."""
    if len(token) > _LONGEST:
        return None
    try:
        found = _signer(settings).loads(token)
    except BadData:
        return None
    return found if isinstance(found, int) else None


def _signer(settings: Settings) -> URLSafeSerializer:
    """The present key signs; the one before still verifies while keys are changed."""
    keys = [key for key in (settings.jwt_secret_previous, settings.signing_key) if key]
    return URLSafeSerializer(keys, salt="unsubscribe")
