"""`crm web` ends without leaving anybody unanswered who has connected."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

import pytest
import uvicorn

from crm.commands import web_server
from crm.commands.web_server import DrainingServer

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def _answer(scope: Any, _receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def test_a_request_that_arrives_after_its_connection_is_answered_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web_server, "ARRIVAL_S", 1.0)
    server = DrainingServer(uvicorn.Config(_answer, port=0, lifespan="off", log_config=None))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not server.server_state.connections:
        await asyncio.sleep(0)
    end = asyncio.create_task(server.shutdown())
    while server.servers[0].sockets:  # it listens no more
        await asyncio.sleep(0)
    with closing(writer):
        writer.write(REQUEST)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await end
