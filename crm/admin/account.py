"""Passwords in the panel: forgotten, reset by mailed token, changed by oneself, set for somebody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import access
from crm.actor import system
from crm.admin import pages, paths
from crm.admin.gates import guest_page
from crm.admin.urls import key_of, view_of
from crm.admin.visitor import actor_of
from crm.errors import BadInput, CrmError, Unauthenticated
from crm.i18n import error_text, gettext
from crm.models.user import User
from crm.services import password_resets, passwords, users
from crm.services.sign_in import confirm

_GUEST = "crm/password_gate.html"
_INSIDE = "crm/password.html"


async def forgot(request: Request) -> Response:
    """Asks for an address; known or not, the answer is the same."""
    if request.method == "GET":
        return guest_page(request, _GUEST, {"step": "forgot"})
    panel, email = pages.panel_of(request), str((await request.form()).get("email") or "")[:254]
    try:
        async with panel.database.transaction_async(system("password reset")) as session:
            await session.run_sync(password_resets.request, panel.settings, email=email, ip=_address(request))
    except CrmError as error:
        return guest_page(request, _GUEST, {"step": "forgot", "error": error_text(error)}, error.status)
    return guest_page(request, _GUEST, {"step": "sent"})


async def reset(request: Request) -> Response:
    """The mailed link: its token stands behind the #, where no log sees it, and a script puts it into the form."""
    if request.method == "GET":
        return guest_page(request, _GUEST, {"step": "reset"})
    panel, form = pages.panel_of(request), await request.form()
    token, password = str(form.get("token") or "")[:200], str(form.get("password") or "")
    try:
        _same(form)
        await _redeem(panel.database, panel.settings, token, password)
    except CrmError as error:
        context = {"step": "reset", "error": error_text(error), "token": token}
        return guest_page(request, _GUEST, context, error.status)
    return pages.redirect(request, paths.to("login"), gettext("Your password has been changed. Sign in with it."))


async def _redeem(database: Any, settings: Any, token: str, password: str) -> None:
    actor = system("password reset")
    async with database.transaction_async(actor) as session:
        user = await session.run_sync(password_resets.holder, token)
        passwords.check(settings, password, about=(user.username, user.email))
    hashed = await passwords.hash_async(password, settings.bcrypt_cost)
    async with database.transaction_async(actor) as session:
        await session.run_sync(password_resets.redeem, token, password_hash=hashed)


async def change_own(request: Request) -> Response:
    """Whoever knows the old password may set a new one, whatever else they may do."""
    panel, actor = pages.panel_of(request), actor_of(request)
    if request.method == "GET" or actor.user_id is None:
        return _page(request, gettext("Change password"), paths.to("password"), paths.to(""), own=True)
    form = await request.form()
    password = str(form.get("password") or "")
    try:
        _same(form)
        passwords.check(panel.settings, password, about=(actor.name,))
        await confirm(
            panel.database,
            panel.settings,
            user_id=actor.user_id,
            password=str(form.get("old_password") or ""),
            ip=_address(request),
        )
        hashed = await passwords.hash_async(password, panel.settings.bcrypt_cost)
        async with panel.database.transaction_async(replace(actor, everything=True)) as session:
            await session.run_sync(_store, actor.user_id, hashed)
    except CrmError as error:
        text = gettext("Invalid password") if isinstance(error, Unauthenticated) else error_text(error)
        here, back = paths.to("password"), paths.to("")
        return _page(request, gettext("Change password"), here, back, own=True, error=text, status=400)
    return pages.redirect(request, paths.to("login"), gettext("Your password has been changed. Sign in with it."))


async def set_password(request: Request) -> Response:
    """For those who may edit the user; the services refuse to take over somebody who has more rights."""
    view, key, panel = view_of(request, "edit", identity="user"), key_of(request), pages.panel_of(request)
    async with panel.database.read_only_async(actor_of(request)) as session:
        user = await session.run_sync(access.find, User, key)
        await session.run_sync(access.require_for, user, "update")
    here, back = paths.to(view.identity, "password", key), paths.details_of(User, key)
    title = gettext("Set password of %(name)s", name=user.name or user.username)
    if request.method == "GET":
        return _page(request, title, here, back)
    form = await request.form()
    password = str(form.get("password") or "")
    try:
        _same(form)
        passwords.check(panel.settings, password, about=(user.username, user.email))
        hashed = await passwords.hash_async(password, panel.settings.bcrypt_cost)
        async with panel.database.transaction_async(actor_of(request)) as session:
            await session.run_sync(_store, key, hashed)
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return _page(request, title, here, back, error=error_text(error), status=error.status)
    return pages.redirect(request, back, gettext("The password has been set."))


def _store(session: Session, key: int, hashed: str) -> None:
    user = session.scalars(select(User).where(User.id == key)).one()
    users.update(session, user, {}, password_hash=hashed)


def _same(form: Any) -> None:
    if form.get("password") != form.get("password_again"):
        raise BadInput("The two passwords are not the same")


def _page(
    request: Request,
    title: str,
    action: str,
    back: str,
    *,
    own: bool = False,
    error: str = "",
    status: int = 200,
) -> Response:
    context = {
        "page_title": title,
        "form_action": action,
        "urls": {"back": back},
        "own": own,
        "error": error,
        "breadcrumbs": [{"label": title, "url": ""}],
    }
    return pages.render(request, _INSIDE, context, status)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
