"""`POST /api/files` takes a file, `/download` gives it back, `/preview` shows a little of it; the rest is generated."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy.orm import Session
from starlette.responses import Response

from crm import access
from crm.api.call import Call
from crm.api.envelope import Answer
from crm.api.openapi_records import ONCE, ref
from crm.api.resources import Resource, address
from crm.api.routing import Endpoint, Method, Schema
from crm.entity import permission, title_of, titles_of
from crm.errors import invalid
from crm.files import serving, uploads
from crm.models.attachment import Attachment
from crm.services import attachments

_TEXTS = ("recordType", "recordId", "description")
_FORM: Schema = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream", "description": "The file."},
        "recordType": {"type": "string", "description": "Kind of the record it hangs on, such as customer."},
        "recordId": {"type": "integer", "format": "int64", "minimum": 1, "description": "Number of that record."},
        "description": {"type": "string", "maxLength": 1000, "description": "What it is."},
    },
    "required": ["file"],
    "additionalProperties": False,
}


def routes() -> list[Endpoint]:
    """Upload, download and preview."""
    view, tag = str(permission(Attachment, "view")), titles_of(Attachment)
    take = Method(
        upload,
        str(permission(Attachment, "create")),
        "Upload a file, on its own or to a record that the caller may change.",
        raw_body=_FORM,
        body_type="multipart/form-data",
        parameters=(ONCE,),
        data=ref(Attachment.__name__),
        errors=(400, 404, 408, 409, 413, 415, 507),
        tag=tag,
        operation_id="uploadFile",
    )
    give = Method(
        download,
        view,
        "The file itself, to be saved.",
        media_type="*/*",
        errors=(404,),
        tag=tag,
        operation_id="downloadFile",
    )
    show = Method(
        preview,
        view,
        "A small picture of the file, or the beginning of its text; 404 if there is none (see `previewState`).",
        media_type="image/webp, text/plain",
        errors=(404,),
        tag=tag,
        operation_id="previewFile",
    )
    base = address(Attachment)
    return [
        Endpoint(base, {"POST": take}),
        Endpoint(f"{base}/{{id}}/download", {"GET": give}),
        Endpoint(f"{base}/{{id}}/preview", {"GET": show}),
    ]


async def upload(call: Call) -> Answer:
    """The bytes are stored before the transaction of their row begins."""
    settings = call.context.settings
    async with uploads.received(call.request, settings) as form:
        if unknown := sorted(form.fields.keys() - set(_TEXTS)):
            raise invalid(unknown[0], "is not a known field")
        if not form.files:
            raise invalid("file", "A file has to be uploaded, as multipart/form-data")
        file, description = form.files[0], form.fields.get("description", "")
        place = attachments.place_of(form.fields.get("recordType", ""), form.fields.get("recordId", ""))
        sent = await uploads.examine(file)
        await call.read(attachments.check, sent, place, description, settings.upload_quota_mb)
        await uploads.keep(file, settings)

    def work(session: Session) -> Answer:
        made = attachments.create(session, sent, place, description, settings.upload_quota_mb)
        resource = Resource(Attachment)
        location = (b"location", f"/api{address(Attachment)}/{made.id}".encode())
        return resource.answer(session, made, f"{resource.title} created successfully", [location], new=True)

    call.stand_for(orjson.dumps([sent.sha256, sent.name, place.record_type, place.record_id, description]))
    return await call.write(work)


async def download(call: Call) -> Response:
    found = await _found(call)
    settings = call.context.settings
    return await serving.download(settings, found.sha256, name=found.name, media_type=found.media_type)


async def preview(call: Call) -> Response:
    found = await _found(call)
    return await serving.preview(call.context.settings, picture=found.preview_sha256, text=found.preview_text)


async def _found(call: Call) -> Any:
    return await call.read(access.find, Attachment, call.number("id", title_of(Attachment)))
