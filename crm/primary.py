"""PostgreSQL at more than one address: a primary, and standbys of which one takes its place when it fails.

`postgresql://crm:…@db1:5432,db2:5432/crm`, as libpq writes it.  Only a server that takes writes is used.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg
from sqlalchemy import URL, make_url

DEFAULT_PORT = "5432"
#: who does not answer is given up after so long, so that others can be asked while somebody waits
LEAST_S = 1.0
NONE = "no database server takes writes"
_SEVERAL = re.compile(r"(?P<head>[\w+]+://(?:[^@]*@)?)(?P<places>[^/?@]+,[^/?@]*)(?P<tail>[/?][^@]*)?")
_NEXT = (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, asyncpg.InternalClientError)


def normalised(url: str) -> URL:
    """`postgres://` and driver names are accepted, the driver is ours to choose; several servers stand in the query.

    ArgumentError or ValueError for what is no address.
    """
    url = url.replace("postgres://", "postgresql://", 1)
    places: list[str] = []
    if several := _SEVERAL.fullmatch(url):
        url = several["head"] + (several["tail"] or "")
        places = several["places"].split(",")
    parsed = make_url(url)
    parsed = parsed.set(drivername=parsed.get_backend_name())
    if parsed.drivername != "postgresql":
        return parsed
    query: dict[str, Any] = {"target_session_attrs": "primary", **parsed.query}
    hosts, ports = _split(places) if places else _asked(query)
    if len(hosts) > 1:
        query |= {"host": ",".join(hosts), "port": ",".join(ports)}
    return parsed.set(query=query)


def _split(places: list[str]) -> tuple[list[str], list[str]]:
    """Hosts and ports of `db1:5432`, `db2`, `[::1]:5433`."""
    hosts, ports = [], []
    for place in places:
        host, colon, port = place.rpartition(":")
        if not colon or place.endswith("]"):
            host, port = place, DEFAULT_PORT
        if not host or not port.isdigit():
            raise ValueError("a server is missing, or its port is no number")
        hosts.append(host.strip("[]"))
        ports.append(port)
    return hosts, ports


def _asked(query: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The same of `?host=/run/a,/run/b&port=5432,5433` and of `?host=db1:5432&host=db2:5432`."""
    host, port = query.get("host", ()), query.get("port", "")
    if not isinstance(host, str):
        return _split(list(host))
    hosts = host.split(",")
    ports = [given or DEFAULT_PORT for given in str(port).split(",")]
    if len(ports) == 1:
        ports *= len(hosts)
    if len(ports) != len(hosts):
        raise ValueError("there must be as many ports as servers")
    return hosts, ports


class Primary:
    """Connects asyncpg to whichever server takes writes; the one that did last time is asked first.

    The driver alone gives all servers one time limit together: one that is switched off would use it up.
    """

    def __init__(self) -> None:
        self._last: object = None

    async def connect(self, *, host: Any = None, port: Any = None, timeout: float, **options: Any) -> Any:
        """asyncpg.connect, whose options these are.  OSError where no server that takes writes answers."""
        places = list(zip(host, port, strict=True)) if isinstance(host, list) else [(host, port)]
        limit_s = max(LEAST_S, timeout / len(places))
        failed: BaseException | None = None
        for place in sorted(places, key=lambda place: place != self._last):
            try:
                made = await asyncpg.connect(host=place[0], port=place[1], timeout=limit_s, **options)
            except _NEXT as error:
                failed = error
            else:
                self._last = place
                return made
        if isinstance(failed, OSError):
            raise failed
        raise ConnectionError(NONE) from failed
