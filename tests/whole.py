"""A test client whose answers come whole, by one call across its thread where Starlette's takes eight."""

from __future__ import annotations

import httpx2
from starlette.testclient import TestClient
from starlette.types import ASGIApp


class WholeClient(TestClient):
    """Starlette's, but for the way; unexpected errors become answers, as in production."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, raise_server_exceptions=False)
        self._direct = httpx2.ASGITransport(app, raise_app_exceptions=False, client=("testclient", 50000))
        self._in_pieces, self._transport = self._transport, _Whole(self)

    def whole(self, request: httpx2.Request) -> httpx2.Response:
        if not isinstance(request.stream, httpx2.AsyncByteStream):
            return self._in_pieces.handle_request(request)
        with self._portal_factory() as portal:
            return portal.call(self._ask, request)

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._direct.handle_async_request(request)
        assert isinstance(answer.stream, httpx2.AsyncByteStream)
        body = b"".join([part async for part in answer.stream])
        return httpx2.Response(answer.status_code, headers=answer.headers.raw, stream=httpx2.ByteStream(body))


class _Whole(httpx2.BaseTransport):
    def __init__(self, client: WholeClient) -> None:
        self._client = client

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return self._client.whole(request)
