"""How stored bytes are answered: always as a download, except our own previews; never run, never guessed at."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from crm.errors import NotFound
from crm.files.uploads import storage_of
from crm.logs import logger
from crm.settings import Settings

PREVIEW_TYPE = "image/webp"
_log = logger(__name__)
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    # says to the compressing middleware that this is to go out as it is, with its length
    "Content-Encoding": "identity",
}


async def download(settings: Settings, sha256: str, *, name: str, media_type: str) -> Response:
    """The bytes, to be saved under `name`; NotFound if they are not there."""
    place = await _place(settings, sha256)
    headers = {**_SAFE, "Content-Disposition": disposition(name)}
    return FileResponse(place, headers=headers, media_type=media_type)


async def preview(settings: Settings, *, picture: str | None, text: str) -> Response:
    """Our own small picture, or the beginning of a text; NotFound without either."""
    headers = {**_SAFE, "Content-Disposition": "inline"}
    if picture:
        return FileResponse(await _place(settings, picture), headers=headers, media_type=PREVIEW_TYPE)
    if text:
        return Response(text, headers=headers, media_type="text/plain")
    raise NotFound("There is no preview of this file")


def disposition(name: str) -> str:
    """`attachment` with the name for old clients, and in full after RFC 5987."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _place(settings: Settings, sha256: str) -> Path:
    place = storage_of(settings).path(sha256)
    if not await run_in_threadpool(place.is_file):
        _log.error("content is missing", sha256=sha256)
        raise NotFound("The content of this file is missing; tell your administrator")
    return place
