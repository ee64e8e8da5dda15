"""A researcher at the playground."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import redis
from django.test import Client

from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.jobs import make_researcher


def fill_in(model: HostedModel) -> dict[str, str]:
    """The editor's form for a model."""
    return {
        "model": model.slug,
        "prompt": "Once upon a time",
        "max_tokens": "16",
        "temperature": "0.7",
        "top_p": "1",
        "top_k": "0",
        "presence_penalty": "0",
        "frequency_penalty": "0",
        "stop": "",
        "seed": "",
    }


@dataclass
class Desk:
    """A signed-in researcher, the model open to them, and their browser."""

    user: User
    model: HostedModel
    client: Client

    def fields(self, **changes: str) -> dict[str, str]:
        """The form's values."""
        return fill_in(self.model) | changes


@pytest.fixture
def desk(db: None, valkey: redis.Redis, client: Client) -> Desk:
    user, model = make_researcher()
    client.force_login(user)
    return Desk(user, model, client)
