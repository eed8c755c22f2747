"""Files in the panel: sent in by a form or a script, downloaded, looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crm import access
from crm.admin import details, pages, paths, record_links
from crm.admin.labels import title_of
from crm.admin.urls import key_of, view_of, whole
from crm.admin.visitor import actor_of, visitor_of
from crm.entity import REGISTRY, permission
from crm.errors import BadInput, CrmError, Forbidden
from crm.files import kinds, serving, uploads
from crm.files.form import FileForm, Room
from crm.files.uploads import Upload
from crm.i18n import error_text, gettext
from crm.models.attachment import Attachment
from crm.services import attachments
from crm.services.attachments import Place

MOST_AT_ONCE = 10


async def new(request: Request) -> Response:
    """A page with a form that needs no script: one's own files, or those of the record the address names."""
    view = view_of(request, "create", identity=paths.identity(Attachment))
    kind, key = request.query_params.get("record_type", ""), whole(request.query_params.get("record_id", ""))
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        record = await session.run_sync(_record, kind, key)
        link = await session.run_sync(record_links.form_of, "", "") if record is None else None
    title = str(view.name_plural)
    context = {
        "record": record,
        "link": link,
        "upload_url": paths.to("attachment", "upload"),
        "back_url": record["url"] if record else paths.list_of(Attachment),
        **limits(request),
        "breadcrumbs": [{"label": title, "url": paths.list_of(Attachment)}, {"label": gettext("Upload"), "url": ""}],
        "page_title": gettext("Upload files"),
    }
    return pages.render(request, "crm/upload.html", context)


def limits(request: Request) -> dict[str, Any]:
    """What a form of files tells the browser."""
    accepted = ",".join(f".{ending}" for ending in kinds.ENDINGS)
    return {"limit_mb": pages.panel_of(request).settings.upload_max_mb, "accept": accepted, "most": MOST_AT_ONCE}


def _record(session: Session, kind: str, key: int | None) -> dict[str, Any] | None:
    model = REGISTRY.get(kind)
    if key is None or model not in access.linkable(Attachment):
        return None
    access.find(session, model, key)
    return {"type": kind, "id": key, "title": title_of(session, model, key), "url": paths.details_of(model, key)}


async def upload(request: Request) -> Response:
    """POST: files and the record they go to; all of them, or none.  Scripts are answered in JSON."""
    fields: dict[str, str] = {}
    by_script = request.headers.get("accept", "").startswith("application/json")
    try:
        count = await _take(request, fields)
    except CrmError as error:
        if error.status == 403 or by_script:
            raise
        return pages.redirect(request, _back(fields), error_text(error), "error")
    if by_script:
        return JSONResponse({"count": count})
    told = gettext("1 file uploaded") if count == 1 else gettext("%(count)s files uploaded", count=count)
    return pages.redirect(request, _back(fields), told)


async def _take(request: Request, fields: dict[str, str]) -> int:
    """How many files came; what the form's texts say is left in `fields`, whatever happens."""
    settings = pages.panel_of(request).settings
    check_token(request, fields, at_the_door=True)
    access.require(actor_of(request), permission(Attachment, "create"))

    def before_file(form: FileForm) -> None:
        fields.update(form.fields)
        check_token(request, fields)

    async with uploads.received(request, settings, Room(files=MOST_AT_ONCE), before_file=before_file) as form:
        before_file(form)
        if not form.files:
            raise BadInput("Choose a file first")
        place = attachments.place_of(fields.get("record_type", ""), fields.get("record_id", ""))
        return len(await store(request, form, place))


async def store(request: Request, form: FileForm, place: Place) -> list[int]:
    """Make records of the files that have come in: all of them, or none; their numbers."""
    panel, actor = pages.panel_of(request), actor_of(request)
    settings = panel.settings
    sent = [await uploads.examine(file) for file in form.files]
    async with panel.database.read_only_async(actor) as session:
        await session.run_sync(_each, attachments.check, sent, place, settings.upload_quota_mb)
    for file in form.files:
        await uploads.keep(file, settings)
    async with panel.database.transaction_async(actor) as session:
        made = await session.run_sync(_each, attachments.create, sent, place, settings.upload_quota_mb)
        return [attachment.id for attachment in made]


def _each(session: Session, do: Callable[..., Any], sent: list[Upload], place: Place, quota_mb: int) -> list[Any]:
    return [do(session, upload, place, "", quota_mb) for upload in sent]


def check_token(request: Request, fields: Mapping[str, str], *, at_the_door: bool = False) -> None:
    """The door leaves it to us, since it reads no files: a header, or the form's first field, before any file."""
    token = request.headers.get("x-csrf-token", "")
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    if at_the_door and not token and is_form:
        return
    if not visitor_of(request).accepts(token or fields.get("csrf_token", "")):
        raise Forbidden("Forbidden")


def _back(fields: Mapping[str, str]) -> str:
    """The record's page, if the form named one."""
    model, key = REGISTRY.get(fields.get("record_type", "")), whole(fields.get("record_id", ""))
    return f"{paths.details_of(model, key)}#files" if model is not None and key else paths.list_of(Attachment)


async def download(request: Request) -> Response:
    """The file itself, to be saved."""
    file = await _find(request)
    settings = pages.panel_of(request).settings
    return await serving.download(settings, file.sha256, name=file.name, media_type=file.media_type)


async def preview(request: Request) -> Response:
    """Our own small picture of it."""
    file = await _find(request)
    return await serving.preview(pages.panel_of(request).settings, picture=file.preview_sha256, text=file.preview_text)


async def _find(request: Request) -> Any:
    """The record, in the trash too for those who could restore it."""
    view = view_of(request, "details", identity=paths.identity(Attachment))
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        return await session.run_sync(details.find, view, key_of(request))
