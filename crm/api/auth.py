"""`/api/auth`: sign in, renew, sign out, who am I.  Registration and passwords are in `credentials`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.api import credentials
from crm.api.accounts import ACCOUNT, account
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import NOTHING, TEXT, record
from crm.api.routing import PUBLIC, TOKEN, Endpoint, Method
from crm.errors import Unauthenticated
from crm.models.user import User
from crm.schemas import Input, Storable
from crm.services import refresh_tokens, tokens
from crm.services.sign_in import sign_in

NO_REFRESH, BAD_REFRESH = "No refresh token provided", "Invalid refresh token"
Typed = Annotated[str, Storable, Field(max_length=254)]
_PAIR = {"accessToken": TEXT, "refreshToken": TEXT}


class Login(Input):
    """Name (or e-mail address) and password."""

    username: Typed
    password: credentials.Secret


class Refresh(Input):
    """The refresh token of a sign-in."""

    refresh_token: Annotated[str, Field(alias="refreshToken")] = ""


def routes() -> list[Endpoint]:
    made = {
        "login": Method(
            login, PUBLIC, "Sign in.", body=Login, data=record(user=ACCOUNT, **_PAIR), errors=(400, 401, 413, 415, 429)
        ),
        "refresh": Method(
            refresh, PUBLIC, "Renew the access token.", body=Refresh, data=record(**_PAIR), errors=(400, 401, 413, 415)
        ),
        "logout": Method(logout, PUBLIC, "Sign out.", body=Refresh, data=NOTHING, errors=(400, 401, 413, 415)),
    }
    me = Method(who, TOKEN, "Who am I?", data=ACCOUNT, errors=(401,), tag="Authentication", operation_id="me")
    found = [Endpoint(f"/auth/{name}", {"POST": _named(name, method)}) for name, method in made.items()]
    return [*found, Endpoint("/auth/me", {"GET": me}), *credentials.routes()]


def _named(name: str, method: Method) -> Method:
    return replace(method, tag="Authentication", operation_id=name)


async def login(call: Call) -> Answer:
    sent, settings = await call.data(), call.context.settings

    def then(session: Session, user: User) -> dict[str, Any]:
        pair = refresh_tokens.start(session, settings, user)
        return {"user": account(session, user), "accessToken": pair.access, "refreshToken": pair.refresh}

    who = {"username": sent["username"], "password": sent["password"], "ip": credentials.address(call)}
    data = await sign_in(call.context.database, settings, then=then, **who)
    return success(data, "Login successful")


async def refresh(call: Call) -> Answer:
    token = await _refresh_token(call)
    pair = await call.run(refresh_tokens.rotate, call.context.settings, token)
    if pair is None:
        raise Unauthenticated(BAD_REFRESH)
    data = {"accessToken": pair.access, "refreshToken": pair.refresh}
    return success(data, "Token refreshed successfully")


async def logout(call: Call) -> Answer:
    token, claims = await _refresh_token(call), _claims(call)

    def end(session: Session) -> None:
        refresh_tokens.revoke(session, token)
        if claims is not None:
            tokens.blacklist(session, claims)

    await call.run(end)
    return success(None, "Logged out successfully")


async def who(call: Call) -> Answer:
    def mine(session: Session) -> dict[str, Any]:
        me = select(User).where(User.id == call.actor.user_id)
        return account(session, session.scalars(me, execution_options={"unscoped": True}).one())

    return success(await call.read(mine))


async def _refresh_token(call: Call) -> str:
    """What was sent, body or not; 401 without one, as the document has it."""
    sent = await call.json(empty=True)
    if sent.get("refreshToken") in (None, ""):
        raise Unauthenticated(NO_REFRESH)
    token: str = (await call.data())["refresh_token"]
    return token


def _claims(call: Call) -> tokens.Claims | None:
    """Of the access token sent along, if it is one of ours; signing out never fails for it."""
    _, _, token = (call.header(b"authorization") or "").partition(" ")
    try:
        return tokens.verify(call.context.settings, token.strip())
    except Unauthenticated:
        return None
