"""Fixtures for tests of jobs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest
import redis
from django.db import connection

from inference_workers.contract import control_channel, queue_for
from portal.lab.jobs.domain.tokens import forget_tokenizers


@pytest.fixture(autouse=True)
def _no_tokenizers_of_other_tests() -> Iterator[None]:
    forget_tokenizers()
    yield
    forget_tokenizers()


def queued_messages(client: redis.Redis, deployment: str = "smollm2-135m") -> list[dict[str, Any]]:
    """The messages that wait in the deployment's queue, oldest first."""
    raw: Any = client.lrange(queue_for(deployment), 0, -1)
    return [json.loads(message) for message in reversed(raw)]


def listen(client: redis.Redis, deployment: str) -> Any:
    """A subscription to messages for the deployment's workers."""
    # redis leaves `pubsub` untyped.
    listener = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    listener.subscribe(control_channel(deployment))
    listener.get_message(timeout=1)
    return listener


def message_ids(client: redis.Redis) -> list[str]:
    return [message["headers"]["id"] for message in queued_messages(client)]


def messages(client: redis.Redis) -> list[Any]:
    """The arguments of the queue's messages, as the worker's task gets them."""
    bodies = [base64.b64decode(message["body"]) for message in queued_messages(client)]
    return [json.loads(body)[0][0] for body in bodies]


def wait_until_blocked() -> None:
    """Until another connection waits for a lock that this one holds; fails after ten seconds."""
    query = "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    deadline = monotonic() + 10
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(query)
            if cursor.fetchone():
                return
    raise AssertionError("nobody waits")
