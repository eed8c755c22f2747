"""From a request's body into a form of files: piece by piece, in a thread, with limits that no length can lie about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from crm.errors import BadInput, CrmError, RequestTimeout, TooLarge
from crm.files.form import FileForm

#: what a form may hold besides its files
OVERHEAD = 256 * 1024
#: a client that sends nothing for so long is given up
SILENCE_S = 30.0
_PIECE = 256 * 1024


async def receive(form: FileForm, body: AsyncIterator[bytes], *, most: int, announced: str | None) -> None:
    """Feed the whole body to the form; CrmError says what is wrong with it, and leaves no draft behind.

    `most` is what files and fields may have together in bytes; `announced` the Content-Length, if there is one.
    """
    try:
        if announced is not None and announced.isascii() and announced.isdigit() and int(announced) > most + OVERHEAD:
            raise TooLarge("The file is larger than %(limit)s MiB", limit=most // 2**20)
        await _feed(form, body, most + OVERHEAD)
    except BaseException as error:
        form.discard()
        if isinstance(error, CrmError):
            await drain(body)
        raise


async def _feed(form: FileForm, body: AsyncIterator[bytes], most: int) -> None:
    total, waiting = 0, bytearray()
    while (chunk := await _next(body)) is not None:
        total += len(chunk)
        if total > most:
            raise TooLarge("The file is larger than %(limit)s MiB", limit=(most - OVERHEAD) // 2**20)
        waiting += chunk
        if len(waiting) >= _PIECE:
            await run_in_threadpool(form.feed, bytes(waiting))
            waiting.clear()
    await run_in_threadpool(form.feed, bytes(waiting))
    form.finish()


async def _next(body: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(SILENCE_S):
            return await anext(body, None)
    except TimeoutError:
        raise RequestTimeout("The upload was given up: it came too slowly") from None
    except ClientDisconnect:
        raise BadInput("The request ended before its body did") from None


async def drain(body: AsyncIterator[bytes], *, most: int = 8 * 2**20, within_s: float = 5.0) -> None:
    """Read on after a refusal, so that a client that listens only when it has sent everything hears the answer."""
    read = 0
    try:
        async with asyncio.timeout(within_s):
            while read < most and (chunk := await _next(body)) is not None:
                read += len(chunk)
    except (CrmError, TimeoutError):
        return
