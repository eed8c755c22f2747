"""Access tokens (signed, 15 minutes), and the random tokens that are kept only as hashes.

Two signing keys may live at once: `JWT_SECRET` signs, `JWT_SECRET_PREVIOUS` still verifies while keys are changed.
"""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jwt
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm.errors import Unauthenticated
from crm.models.token_blacklist import TokenBlacklist
from crm.settings import Settings

ACCESS_S = 15 * 60
LEEWAY_S = 30
LARGEST = 8 * 1024
INVALID = "Invalid or expired token"
_ALGORITHM, _ISSUER, _AUDIENCE, _KIND = "HS256", "crm", "crm-api", "access"
_NEEDED = ("sub", "jti", "iat", "exp", "iss", "aud", "typ")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says; times are seconds since 1970."""

    user_id: int
    jti: str
    issued_at: float
    expires_at: float


def issue(settings: Settings, user_id: int, *, not_before: float = 0.0) -> str:
    """An access token of the user; `not_before` is the user's `tokens_from`, so that a new token is never void."""
    moment = max(time.time(), not_before)
    claims = {
        "sub": str(user_id),
        "jti": str(uuid.uuid4()),
        "iat": moment,
        "exp": int(moment) + ACCESS_S,
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "typ": _KIND,
    }
    key = settings.signing_key
    return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": key_id(key)})


def verify(settings: Settings, token: str) -> Claims:
    """The claims of a token we signed that is neither expired nor of another kind; Unauthenticated otherwise.

    Whether the user still exists, and whether the token was signed out, is asked of the database elsewhere.
    """
    if not token or len(token) > LARGEST:
        raise Unauthenticated(INVALID)
    try:
        key = _key_for(settings, jwt.get_unverified_header(token))
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            audience=_AUDIENCE,
            leeway=LEEWAY_S,
            options={"require": list(_NEEDED)},
        )
        return _claims(claims)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise Unauthenticated(INVALID) from None


def _claims(claims: dict[str, Any]) -> Claims:
    subject, jti = claims["sub"], claims["jti"]
    if claims["typ"] != _KIND or not isinstance(jti, str) or not 0 < len(jti) <= 36:
        raise ValueError("of another kind")
    if not (subject.isascii() and subject.isdigit() and len(subject) < 19):
        raise ValueError("no user")
    return Claims(int(subject), jti, float(claims["iat"]), float(claims["exp"]))


def _key_for(settings: Settings, header: dict[str, Any]) -> str:
    """The live key that the header names; the present one where it names none we know."""
    previous = settings.jwt_secret_previous
    if previous and header.get("kid") == key_id(previous):
        return previous
    return settings.signing_key


@lru_cache(maxsize=8)
def key_id(key: str) -> str:
    """A name for a signing key that tells nothing about it."""
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:8]


# ---------------------------------------------------------------------------------------------- signing out


def blacklist(session: Session, claims: Claims) -> None:
    """Refuse this access token from now on; a second time changes nothing."""
    row = {"jti": claims.jti, "expires_at": datetime.fromtimestamp(claims.expires_at + LEEWAY_S, UTC)}
    make: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.connection().execute(make(TokenBlacklist).values(row).on_conflict_do_nothing(index_elements=["jti"]))


def is_blacklisted(session: Session, jti: str) -> bool:
    return session.scalar(select(TokenBlacklist.id).where(TokenBlacklist.jti == jti)) is not None


# ---------------------------------------------------------------------------------------------- random tokens


def random_token() -> str:
    """256 random bits, as text that fits a URL or a cookie."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """How a random token is stored: SHA-256, in hex; a copy of the table signs nobody in."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
