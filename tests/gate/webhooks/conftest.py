"""An operator, and an endpoint on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import Settings

from portal.gate.webhooks.domain.endpoints import Registered, register_endpoint
from portal.gate.webhooks.enums import CHOSEN_EVENTS, EventType
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.gate.webhooks.receiver import Receiver

ALL = [EventType(value) for value, _ in CHOSEN_EVENTS]
Register = Callable[..., Registered]


@pytest.fixture(autouse=True)
def _own_machine(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def operator(db: None) -> User:
    return UserFactory.create(is_staff=True)


@pytest.fixture
def register(receiver: Receiver, operator: User) -> Register:
    """Registers the receiver; keyword arguments change its fields."""

    def call(**changes: Any) -> Registered:
        values = {"by": operator, "name": "University", "url": receiver.url, "events": ALL}
        return register_endpoint(**{**values, **changes})

    return call
