"""HTTP requests to other servers, with a deadline and a limit on the size of the response."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from portal.platform.core.deadlines import Deadline, DeadlineExceededError, watch

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 15.0
"""From the first byte sent to the last one read."""
ANSWER_BYTES: Final = 2**20
MOST_REDIRECTS: Final = 3


class _WatchedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return watch(super()._new_conn())


class _WatchedTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return watch(super()._new_conn())


class WatchedPool(HTTPConnectionPool):
    """Connections that a `Deadline` ends. Each serves one request: only new ones are watched."""

    ConnectionCls: type[HTTPConnection] = _WatchedConnection

    def _put_conn(self, conn: Any) -> None:  # noqa: ANN401
        if conn is not None:
            conn.close()
        super()._put_conn(conn)


class WatchedTlsPool(WatchedPool, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _WatchedTlsConnection


def bound_session(session: requests.Session) -> requests.Session:
    """Return the session, with its responses limited to ANSWER_SECONDS and ANSWER_BYTES.

    Beyond these it raises `requests.ReadTimeout` or `requests.RequestException`.
    """
    session.max_redirects = MOST_REDIRECTS
    for scheme in ("http://", "https://"):
        session.mount(scheme, _BoundAdapter())
    return session


class _BoundAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _watch_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        _watch_pools(manager)
        return manager

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send one request, without redirects, and read the whole response."""
        bounds = {"stream": True, "timeout": (CONNECT_SECONDS, ANSWER_SECONDS)}
        try:
            with Deadline(ANSWER_SECONDS):
                response = super().send(request, **{**options, **bounds})
                response._content = _read(response)  # noqa: SLF001 -- as if it had been read at once
        except DeadlineExceededError as error:
            raise requests.ReadTimeout(str(error), request=request) from error
        return response


def _watch_pools(manager: PoolManager) -> None:
    pools: Mapping[str, Any] = {"http": WatchedPool, "https": WatchedTlsPool}
    manager.pool_classes_by_scheme = dict(pools)


def _read(response: requests.Response) -> bytes:
    content = bytearray()
    with response:
        for piece in response.iter_content(2**16):
            content += piece
            if len(content) > ANSWER_BYTES:
                raise requests.RequestException(
                    f"the response has more than {ANSWER_BYTES:,} bytes", response=response
                )
    return bytes(content)
