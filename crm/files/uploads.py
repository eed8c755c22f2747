"""From a request to a stored content: received into drafts, examined, kept; and nothing left behind otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from crm.errors import invalid
from crm.files import kinds, names
from crm.files.form import FileForm, Received, Room
from crm.files.receiving import receive
from crm.files.storage import Storage
from crm.settings import Settings

_MIB = 1024 * 1024
ONE = Room()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has come in: its cleaned name, and what its bytes are."""

    name: str
    sha256: str
    media_type: str
    size: int


def storage_of(settings: Settings) -> Storage:
    return Storage(settings.uploads)


@asynccontextmanager
async def received(
    request: Request,
    settings: Settings,
    room: Room = ONE,
    *,
    before_file: Callable[[FileForm], None] | None = None,
) -> AsyncIterator[FileForm]:
    """The request's form with its files as drafts, which are gone at the end of the block; raises CrmError.

    `before_file(form)` is asked at the head of each file, with the texts that came before it, and may refuse it.
    """
    storage, limit = storage_of(settings), settings.upload_max_mb * _MIB

    def open_file(name: str) -> Received:
        if before_file is not None:
            before_file(form)
        clean = names.cleaned(name)
        kinds.check_ending(clean)
        return Received(clean, storage.draft(limit))

    form = FileForm(request.headers.get("content-type", ""), open_file, room)
    announced = None if room.typed else request.headers.get("content-length")
    await receive(form, request.stream(), most=limit * room.files + room.longest, announced=announced)
    try:
        yield form
    finally:
        await run_in_threadpool(form.discard)


async def examine(file: Received) -> Upload:
    """What the file is; BadInput if it is empty or of no kind that is stored."""
    return await run_in_threadpool(_examine, file)


def _examine(file: Received) -> Upload:
    draft = file.draft
    if draft.size == 0:
        raise invalid("file", "The file is empty")
    kind = kinds.kind_of(file.name, *draft.ends(kinds.HEAD, kinds.TAIL))
    return Upload(file.name, draft.sha256, kind.media_type, draft.size)


async def keep(file: Received, settings: Settings) -> None:
    """Store the bytes; rows may speak of them from here on."""
    await run_in_threadpool(storage_of(settings).keep, file.draft)
