"""The HTML of a mail in the panel: in a sandboxed frame of its own, which runs nothing and leads nowhere."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

#: a mail's HTML may carry styles and pictures of its own; it runs nothing, sends nothing, and leads nowhere
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def framed(html: str, status: int = 200) -> Response:
    """For a frame on one of our pages."""
    headers = {"Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, status, headers=headers)
