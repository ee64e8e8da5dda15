"""Celery's Redis transport, with one client per channel."""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel, Transport

NAMES = ("redis", "rediss")
"""The URL schemes that kombu serves with its Redis transport."""


class KeptClientChannel(Channel):
    """Builds the client that acknowledges and publishes only once, not for every command.

    Building a client costs more than the command itself. Threads may share a client: each
    command takes its own connection from the channel's pool.
    """

    _kept_client: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 -- kombu's
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        client = self._kept_client
        # A channel gives up its pool when it closes or forks.
        if client is None or client.connection_pool is not self.pool:
            client = self._kept_client = super()._create_client()  # type: ignore[misc]
        return client


class KeptClientTransport(Transport):
    """kombu's Redis transport with another channel class."""

    Channel = KeptClientChannel


def keep_clients() -> None:
    """Make every Redis connection that kombu opens from now on keep its clients."""
    for name in NAMES:
        TRANSPORT_ALIASES[name] = f"{__name__}:{KeptClientTransport.__name__}"
