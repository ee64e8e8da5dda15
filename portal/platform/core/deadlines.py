"""Deadlines for whole conversations with other servers.

A socket's time-out applies to each read, so a server that sends one byte a second would be read
forever.
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
    """The whole conversation with the other server took too long."""


class Deadline:
    """A context whose connections are shut down after `seconds`; it then raises
    `DeadlineExceededError`, whatever was read before.

    It covers the connections passed to `watch` inside it, in the same thread.
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
            raise DeadlineExceededError("the response took too long") from error

    def add(self, connection: socket.socket) -> None:
        """Make the deadline end this connection too."""
        # A second descriptor of the same connection: TLS detaches the first one.
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
    """Return the same connection, now covered by the current deadline if there is one."""
    deadline = _current.get()
    if deadline is not None:
        deadline.add(connection)
    return connection


def _shut(connection: socket.socket) -> None:
    """Shut it down, so that a thread that is reading from it sees its end."""
    # The other side may have closed it first.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
