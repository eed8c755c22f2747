"""A body comes in piece by piece: limits hold whatever length it claims, and memory does not grow with it."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from crm.errors import BadInput, RequestTimeout, TooLarge
from crm.files import receiving, uploads
from crm.files.form import Room
from crm.settings import Settings

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"
PIECE = b"some text " * 6_500


@pytest.fixture
def kept(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, env="test", data_dir=tmp_path, upload_max_mb=60)


def request_of(pieces: Iterator[bytes], **headers: str) -> Request:
    """A request whose body comes in these pieces; when they end before the form does, nothing comes any more."""
    sent = {"content-type": "multipart/form-data; boundary=x"} | {k.replace("_", "-"): v for k, v in headers.items()}
    scope = {"type": "http", "method": "POST", "headers": [(k.encode(), v.encode()) for k, v in sent.items()]}

    async def receive() -> Any:
        piece = next(pieces, None)
        if piece is None:
            return {"type": "http.disconnect"}
        if piece == b"silence":
            await asyncio.sleep(60)
        return {"type": "http.request", "body": piece, "more_body": not piece.endswith(TAIL)}

    return Request(scope, receive)


def body(count: int) -> Iterator[bytes]:
    yield HEAD
    for _ in range(count):
        yield PIECE
    yield TAIL


async def take(request: Request, settings: Settings) -> uploads.Upload:
    async with uploads.received(request, settings) as form:
        return await uploads.examine(form.files[0])


def left(settings: Settings) -> list[Path]:
    return [path for path in settings.uploads.rglob("*") if path.is_file()]


async def test_fifty_megabytes_pass_without_being_held(kept: Settings) -> None:
    await take(request_of(body(1)), kept)  # what is imported at first use does not count
    tracemalloc.start()
    try:
        sent = await take(request_of(body(800)), kept)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent.size == 800 * len(PIECE)
    assert peak < 8 * 2**20, peak
    assert left(kept) == []


@pytest.mark.parametrize("length", [None, "10", "nonsense", "-1", str(10 * 2**30)])
async def test_no_announced_length_gets_more_through(kept: Settings, length: str | None) -> None:
    small = kept.model_copy(update={"upload_max_mb": 1})
    headers = {} if length is None else {"content_length": length}
    with pytest.raises(TooLarge, match="larger than 1 MiB"):
        await take(request_of(body(100), **headers), small)
    assert left(small) == []


async def test_a_client_that_goes_away_leaves_nothing(kept: Settings) -> None:
    with pytest.raises(BadInput, match="ended before its body"):
        await take(request_of(iter([HEAD, PIECE])), kept)
    assert left(kept) == []


async def test_a_client_that_falls_silent_is_given_up(kept: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "SILENCE_S", 0.05)
    with pytest.raises(RequestTimeout, match="too slowly"):
        await take(request_of(iter([HEAD, b"silence"])), kept)
    assert left(kept) == []


async def test_long_fields_and_many_fields_are_refused(kept: Settings) -> None:
    field = b'--x\r\nContent-Disposition: form-data; name="%d"\r\n\r\n%s\r\n'
    for pieces in ([field % (1, b"x" * 20_000)], [field % (n, b"x") for n in range(30)], [field % (1, b"x")] * 2):
        with pytest.raises(BadInput):
            await take(request_of(iter([*pieces, HEAD, b"x", TAIL])), kept)


async def test_a_form_that_people_type_into_repeats_names_and_keeps_its_texts_small(kept: Settings) -> None:
    field = b'--x\r\nContent-Disposition: form-data; name="to"\r\n\r\n%s\r\n'
    room = Room(files=2, fields=50, longest=1000, typed=True)
    pieces = [field % b"a", field % (b"b" * 900), HEAD, b"x", TAIL]
    async with uploads.received(request_of(iter(pieces), content_length="9" * 12), kept, room) as form:
        assert [(name, len(text)) for name, text in form.texts] == [("to", 1), ("to", 900)]
        assert len(form.files) == 1
    with pytest.raises(BadInput):
        async with uploads.received(request_of(iter([field % (b"b" * 300)] * 4 + [HEAD, b"x", TAIL])), kept, room):
            pass
    assert left(kept) == []
