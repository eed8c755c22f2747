"""`/api/auth`: register, forgotten passwords, and changing one's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.api.accounts import ACCOUNT, account
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import NOTHING, TEXT, record
from crm.api.routing import PUBLIC, TOKEN, Endpoint, Method
from crm.errors import BadInput, Unauthenticated
from crm.fields import field_of
from crm.models.user import User
from crm.schemas import Input, Storable, annotation
from crm.services import password_resets, passwords, refresh_tokens, registration, users
from crm.services.sign_in import confirm

#: never trimmed: blanks belong to a password
Secret = Annotated[str, StringConstraints(strip_whitespace=False)]
Name: Any = annotation(field_of(User, "username"))
Email: Any = annotation(field_of(User, "email"))
SENT = "If the address is known, a mail is on its way"
_ERRORS = (400, 401, 403, 413, 415, 429)
_TAG = "Authentication"


class Register(Input):
    username: Name
    email: Email
    password: Secret


class Forgot(Input):
    email: Annotated[str, Storable, Field(max_length=254)]


class Reset(Input):
    token: Annotated[str, Storable, Field(max_length=200)]
    password: Secret


class Change(Input):
    old_password: Annotated[Secret, Field(alias="oldPassword")]
    new_password: Annotated[Secret, Field(alias="newPassword")]


def routes() -> list[Endpoint]:
    pair = record(accessToken=TEXT, refreshToken=TEXT)
    return [
        _post("register", Method(register, PUBLIC, "Make an account.", body=Register, data=ACCOUNT)),
        _post("forgot-password", Method(forgot, PUBLIC, "Ask for a mail to set a new password.", body=Forgot)),
        _post("reset-password", Method(reset, PUBLIC, "Set a new password by mailed token.", body=Reset)),
        _put("password", Method(change, TOKEN, "Change one's own password.", body=Change, data=pair)),
    ]


def _post(name: str, method: Method) -> Endpoint:
    return Endpoint(f"/auth/{name}", {"POST": _told(name, method)})


def _put(name: str, method: Method) -> Endpoint:
    return Endpoint(f"/auth/{name}", {"PUT": _told(name, method)})


def _told(name: str, method: Method) -> Method:
    head, *rest = name.split("-")
    operation = head + "".join(part.capitalize() for part in rest)
    return replace(method, tag=_TAG, errors=_ERRORS, operation_id=operation, data=method.data or NOTHING)


async def register(call: Call) -> Answer:
    settings, ip = call.context.settings, address(call)
    registration.require_open(settings)
    sent = await call.data()
    await call.run(registration.count, ip)
    passwords.check(settings, sent["password"], about=(sent["username"], sent["email"]))
    password_hash = await passwords.hash_async(sent["password"], settings.bcrypt_cost)

    def make(session: Session) -> dict[str, Any]:
        user = registration.register(
            session, username=sent["username"], email=sent["email"], password_hash=password_hash
        )
        return account(session, user)

    made = await call.run(make)
    return success(made, "User registered successfully", headers=[(b"location", f"/api/users/{made['id']}".encode())])


async def forgot(call: Call) -> Answer:
    """Alike for known and unknown addresses."""
    sent, settings = await call.data(), call.context.settings

    def ask(session: Session) -> None:
        password_resets.request(session, settings, email=sent["email"], ip=address(call))

    await call.run(ask)
    return success(None, SENT)


async def reset(call: Call) -> Answer:
    """The token is looked at before a password is hashed for it, and taken in one statement after."""
    sent, settings = await call.data(), call.context.settings

    def look(session: Session) -> None:
        user = password_resets.holder(session, sent["token"])
        passwords.check(settings, sent["password"], about=(user.username, user.email))

    await call.read(look)
    password_hash = await passwords.hash_async(sent["password"], settings.bcrypt_cost)

    def redeem(session: Session) -> None:
        password_resets.redeem(session, sent["token"], password_hash=password_hash)

    await call.run(redeem)
    return success(None, "Password reset successfully")


async def change(call: Call) -> Answer:
    """The caller proves the old one (guesses count as sign-ins); all tokens are void, and a new pair is answered."""
    sent, settings, me = await call.data(), call.context.settings, call.actor.user_id
    assert me is not None
    passwords.check(settings, sent["new_password"], about=(call.actor.name,), field="newPassword")
    try:
        await confirm(call.context.database, settings, user_id=me, password=sent["old_password"], ip=address(call))
    except Unauthenticated:
        raise BadInput("Invalid password") from None
    password_hash = await passwords.hash_async(sent["new_password"], settings.bcrypt_cost)

    def save(session: Session) -> dict[str, Any]:
        user = session.scalars(select(User).where(User.id == me)).one()
        users.update(session, user, {}, password_hash=password_hash)
        pair = refresh_tokens.start(session, settings, user)
        return {"accessToken": pair.access, "refreshToken": pair.refresh}

    # one's own password needs no permission; the audit still names the user
    async with call.context.database.transaction_async(replace(call.actor, everything=True)) as session:
        return success(await session.run_sync(save), "Password changed successfully")


def address(call: Call) -> str:
    """The address the request came from, for the throttle."""
    client = call.scope.get("client")
    return str(client[0]) if client else ""
