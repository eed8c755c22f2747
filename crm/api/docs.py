"""`/api/openapi.json`, and `/api/docs`: Swagger UI from our own files, under a policy that lets nothing else in."""

from __future__ import annotations

import secrets
from functools import lru_cache
from pathlib import Path

from crm.api.call import Call
from crm.api.envelope import Answer, failure
from crm.api.routing import PUBLIC, Endpoint, Method

_FOLDER = Path(__file__).parent / "static" / "swagger"
_FILES = {"swagger-ui-bundle.js": b"text/javascript", "swagger-ui.css": b"text/css"}
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CRM API</title>
<link rel="icon" href="data:,">
<meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/api/docs/swagger-ui.css?v={version}">
<style nonce="{nonce}">
body {{ margin: 0; }}
.swagger-ui {{ overflow-wrap: anywhere; }}
@media (max-width: 640px) {{ .swagger-ui .wrapper {{ padding: 0 8px; }} }}
</style>
<script nonce="{nonce}">
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
</script>
</head>
<body>
<div id="swagger-ui"></div>
<script nonce="{nonce}" src="/api/docs/swagger-ui-bundle.js?v={version}"></script>
<script nonce="{nonce}">
SwaggerUIBundle({{url: "/api/openapi.json", dom_id: "#swagger-ui", deepLinking: true, docExpansion: "none",
  validatorUrl: null, persistAuthorization: false, tagsSorter: "alpha"}});
</script>
</body>
</html>
"""


def routes() -> list[Endpoint]:
    one = Method(openapi, PUBLIC, "This document.", bare=True, data={"type": "object"}, tag="System")
    page = Method(show, PUBLIC, "This document, to read and try out.", media_type="text/html", tag="System")
    file = Method(serve, PUBLIC, "Files of that page.", media_type="*/*", errors=(404,), tag="System")
    return [
        Endpoint("/openapi.json", {"GET": one}),
        Endpoint("/docs", {"GET": page}),
        Endpoint("/docs/{file}", {"GET": file}),
    ]


async def openapi(call: Call) -> Answer:
    return Answer(200, call.context.described())


async def show(_call: Call) -> Answer:
    nonce = secrets.token_urlsafe(16)
    page = _PAGE.format(nonce=nonce, version=version())
    policy = (b"content-security-policy", _POLICY.format(nonce=nonce).encode())
    return Answer(200, page.encode(), [policy], b"text/html; charset=utf-8")


async def serve(call: Call) -> Answer:
    name = call.path["file"]
    if name not in _FILES:
        return failure(404, "Not Found")
    return Answer(200, _file(name), [(b"cache-control", b"public, max-age=86400")], _FILES[name] + b"; charset=utf-8")


@lru_cache(maxsize=len(_FILES))
def _file(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


@lru_cache(maxsize=1)
def version() -> str:
    """The version of Swagger UI: `5.35.0`."""
    return (_FOLDER / "VERSION").read_text().split()[1]
