"""Asking another server ends in time, however it drips.

Time-outs of sockets count for each read, so that a server which sends a byte a second is read for
ever.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self


class DeadlineExceededError(TimeoutError):
    """The other server took longer in all than it may."""


class Deadline:
    """A context whose connections end when its time is over; it then raises
    `DeadlineExceededError`, whatever was read by then.

    It knows the connections that `watch` was called for inside it, in the same thread.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_over = False
        self._token: Token[Deadline | None] | None = None

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._token is not None:
            _current.reset(self._token)
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()
        if self._is_over:
            raise DeadlineExceededError("the answer took too long") from error

    def add(self, connection: socket.socket) -> None:
        """End this connection too."""
        # A second descriptor of the same connection: TLS takes the first one away.
        copy = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._sockets.append(copy)
            if self._is_over:
                _shut(copy)

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            for connection in self._sockets:
                _shut(connection)


def watch(connection: socket.socket) -> socket.socket:
    """The same connection, which the deadline that holds here will end."""
    deadline = _current.get()
    if deadline is not None:
        deadline.add(connection)
    return connection


def _shut(connection: socket.socket) -> None:
    """Whoever waits for it reads its end."""
    # The other side may have been faster.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
