"""The HTML of a mail in the panel: in a sandboxed frame of its own, which runs nothing and leads nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import escape
from starlette.responses import HTMLResponse, Response

from crm.errors import CrmError
from crm.i18n import current, error_text
from crm.mail import bodies

#: a mail's HTML may carry styles and pictures of its own; it runs nothing, sends nothing, and leads nowhere
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def framed(html: str, status: int = 200) -> Response:
    """For a frame on one of our pages."""
    headers = {"Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, status, headers=headers)


def wrong(error: CrmError) -> Response:
    """What keeps the mail from being shown, in the frame's place."""
    said = f'<p role="alert" style="color:#B42A2A">{escape(error_text(error))}</p>'
    return framed(bodies.page(said, title="", language=current()), error.status)


def headed(html: str, lines: Iterable[tuple[str, str]]) -> str:
    """The page of a mail with its subject and the like above the rest of its body."""
    shown = "".join(f"<div><b>{escape(name)}</b> {escape(value)}</div>" for name, value in lines)
    top = f'<div style="padding:0 0 12px;margin:0 0 16px;border-bottom:1px solid #E6E8ED">{shown}</div>'
    head, opening, rest = html.partition("<body")
    style, _, body = rest.partition(">")
    return f"{head}{opening}{style}>{top}{body}"
