"""Who calls: the bearer token, verified once, and its user's rights, kept until their `access_version` moves on.

Whoever answers compares that version first: the generated reads inside their own select, all others by `confirm`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, String, bindparam, exists, select

from crm.actor import Actor, system
from crm.api.reader import Reader
from crm.db import Database
from crm.errors import Unauthenticated
from crm.models.token_blacklist import TokenBlacklist
from crm.models.user import User
from crm.prepared import Prepared, Values
from crm.rights import KeptActors
from crm.services import tokens
from crm.settings import Settings

NO_TOKEN = "No token provided"
BAD_TOKEN = "Invalid or expired token"
_LONGEST_TOKEN = 8192
_KEPT = 10_000

#: the user's version now, and whether the token has been signed out: columns for any select
VERSION = select(User.access_version).where(User.id == bindparam("me", type_=BigInteger)).scalar_subquery()
SIGNED_OUT = exists().where(TokenBlacklist.jti == bindparam("jti", type_=String))
_PULSE = select(VERSION.label("version"), SIGNED_OUT.label("signed_out"))


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified token and the user it speaks for, with the rights they had when last looked up."""

    actor: Actor
    claims: tokens.Claims

    @property
    def user_id(self) -> int:
        return self.claims.user_id


class Identity:
    """The kept tokens and actors of one process."""

    def __init__(self, database: Database, settings: Settings, reader: Reader) -> None:
        self._database, self._settings, self._reader = database, settings, reader
        self._claims: OrderedDict[str, tokens.Claims] = OrderedDict()
        self._actors = KeptActors()
        self._pulse = Prepared(_PULSE, reader.dialect)

    async def caller(self, authorization: str | None) -> Caller:
        """Whoever an `Authorization` header names; their rights may be out of date: `confirm`, or compare."""
        claims = self._verified(_bearer(authorization))
        kept = self._actors.get(claims.user_id)
        return _current(claims, kept) if kept is not None else await self.reload(claims)

    async def confirm(self, caller: Caller) -> Caller:
        """The caller with the rights of this moment; Unauthenticated if the token no longer counts."""
        row = await self.pulse({"me": caller.user_id, "jti": caller.claims.jti})
        return await self.checked(caller, row[0], bool(row[1]))

    async def pulse(self, values: Values) -> Sequence[Any]:
        """(version now, signed out) of the user `me` with the token `jti`."""
        return (await self._reader.fetch(self._pulse, values))[0]

    async def checked(self, caller: Caller, version: int | None, signed_out: bool) -> Caller:
        """The same caller if `version` is still theirs, else one with fresh rights."""
        if signed_out:
            raise Unauthenticated(BAD_TOKEN)
        return caller if version == caller.actor.access_version else await self.reload(caller.claims)

    async def reload(self, claims: tokens.Claims) -> Caller:
        async with self._database.read_only_async(system("identity")) as session:
            actor = await session.run_sync(self._actors.load, claims.user_id)
        if actor is None:
            raise Unauthenticated(BAD_TOKEN)
        return _current(claims, actor)

    def _verified(self, token: str) -> tokens.Claims:
        """A signature is checked once a token; whether it has expired, each time."""
        claims = self._claims.get(token)
        if claims is None:
            claims = tokens.verify(self._settings, token)
            self._claims[token] = claims
            if len(self._claims) > _KEPT:
                self._claims.popitem(last=False)
        elif claims.expires_at + tokens.LEEWAY_S <= time.time():
            del self._claims[token]
            raise Unauthenticated(BAD_TOKEN)
        return claims


def _current(claims: tokens.Claims, actor: Actor) -> Caller:
    if claims.issued_at < actor.tokens_from:
        raise Unauthenticated(BAD_TOKEN)
    return Caller(actor, claims)


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise Unauthenticated(NO_TOKEN)
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(NO_TOKEN)
    if len(token) > _LONGEST_TOKEN:
        raise Unauthenticated(BAD_TOKEN)
    return token
