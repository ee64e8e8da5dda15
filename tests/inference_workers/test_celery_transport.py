"""One client per channel."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection, Queue, transport
from kombu.transport.redis import Channel

from inference_workers.broker import celery_transport
from inference_workers.config import WorkerSettings


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each client that kombu builds is an asynchronous one, in order."""
    built: list[bool] = []
    build = vars(Channel)["_create_client"]

    def create(channel: Channel, asynchronous: bool = False) -> object:
        built.append(asynchronous)
        return build(channel, asynchronous=asynchronous)

    monkeypatch.setattr(Channel, "_create_client", create)
    return built


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a worker that has just started: kombu has looked up no transport yet."""
    monkeypatch.setattr(transport, "_transport_cache", {})
    monkeypatch.setattr(transport, "TRANSPORT_ALIASES", dict(transport.TRANSPORT_ALIASES))
    monkeypatch.setattr(celery_transport, "TRANSPORT_ALIASES", transport.TRANSPORT_ALIASES)
    celery_transport.keep_clients()


@pytest.mark.usefixtures("kept")
def test_messages_share_one_client(worker_settings: WorkerSettings, built: list[bool]) -> None:
    queue = f"kept-{uuid4()}"
    with Connection(worker_settings.celery_broker_url) as connection:
        channel = connection.default_channel
        bound = Queue(queue, channel=channel)
        bound.declare()
        before = built.count(False)
        producer = connection.Producer(channel)
        for number in range(3):
            producer.publish({"number": number}, routing_key=queue, serializer="json")
        received: list[Any] = [bound.get(no_ack=False) for _ in range(3)]
        for message in received:
            message.ack()
        assert [message.payload["number"] for message in received] == [0, 1, 2]
        assert bound.get() is None
        assert built.count(False) - before <= 1
        bound.delete()
