"""Celery's Redis transport, with one client a channel."""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel, Transport

NAMES = ("redis", "rediss")
"""The schemes of a broker's address that kombu serves by its Redis transport."""


class KeptClientChannel(Channel):
    """Builds the client that acknowledges and publishes once, not for every command.

    Building one costs more than the command itself. A client may be shared between threads:
    each command takes a connection of its own from the channel's pool.
    """

    _kept_client: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 -- kombu's
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]
        client = self._kept_client
        # A channel that closes or forks gives its pool up.
        if client is None or client.connection_pool is not self.pool:
            client = self._kept_client = super()._create_client()  # type: ignore[misc]
        return client


class KeptClientTransport(Transport):
    """kombu's own but for the channel."""

    Channel = KeptClientChannel


def keep_clients() -> None:
    """Have every connection to Redis that kombu opens from now on keep its clients."""
    for name in NAMES:
        TRANSPORT_ALIASES[name] = f"{__name__}:{KeptClientTransport.__name__}"
