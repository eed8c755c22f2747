"""What has run out is forgotten: tokens, sessions, resets, answers kept for repeats, and old counts of attempts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crm.columns import now
from crm.models.admin_session import AdminSession
from crm.models.login_throttle import LoginThrottle
from crm.models.password_reset import PasswordReset
from crm.models.refresh_token import RefreshToken
from crm.models.token_blacklist import TokenBlacklist
from crm.services import idempotency, password_resets, throttle

_DATED: tuple[Any, ...] = (AdminSession, PasswordReset, RefreshToken, TokenBlacklist)
_SYSTEM = {"unscoped": True, "synchronize_session": False}


def purge_expired(session: Session) -> int:
    """Delete what no longer counts; how many rows.  Run now and then, by any process, as often as one likes."""
    moment = now()
    password_resets.forget_expired(session)
    gone = [delete(model).where(model.expires_at < moment) for model in _DATED]
    gone.append(delete(LoginThrottle).where(LoginThrottle.updated_at < moment - throttle.REMEMBERS_DEVICE))
    found: list[Any] = [session.execute(statement, execution_options=_SYSTEM) for statement in gone]
    count: int = sum(result.rowcount for result in found)
    return count + idempotency.purge_expired(session)
