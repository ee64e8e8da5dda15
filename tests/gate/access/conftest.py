"""The people of the access tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import redis
from celery import current_app

from portal.gate.access.domain.process.applications import Answers
from portal.gate.access.enums import Capability
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.licensing import SignatureFactory

TYPED: dict[str, Any] = {
    "affiliation": "University of the Tests",
    "position": "Researcher",
    "sector": "university",
    "country": "NL",
    "orcid": "0000-0002-1825-0097",
    "homepage": "https://people.example.org/researcher",
    "intended_use": "Measuring how calibration changes with scale.",
    "capabilities": ["playground"],
    "data_handling": "On an encrypted disk.",
    "others_with_access": "Nobody.",
}
"""A complete application as a browser sends it, except the models."""


@pytest.fixture
def model(db: None) -> HostedModel:
    return HostedModelFactory.create()


@pytest.fixture
def reviewer(db: None) -> User:
    return UserFactory.create(is_reviewer=True, name="Rita Reviewer")


@pytest.fixture
def signed_applicant(model: HostedModel) -> User:
    """A person who has signed the licence of `model`."""
    return sign(UserFactory.create(), model)


@pytest.fixture
def answers(model: HostedModel) -> Callable[..., Answers]:
    """Makes a complete set of answers, for `model` by default."""

    def make(**changes: Any) -> Answers:
        values = {
            **TYPED,
            "models": (model,),
            "capabilities": (Capability.PLAYGROUND, Capability.API),
            **changes,
        }
        values.pop("models_wanted", None)
        return Answers(**values)

    return make


def sign(user: User, model: HostedModel) -> User:
    """Sign the version of the model's licence that is in force."""
    SignatureFactory.create(user=user, version=model.release.licence.versions.get())
    return user


@pytest.fixture
def run_queued_tasks(valkey: redis.Redis) -> Callable[[], list[str]]:
    """Runs the tasks of the queue `portal` like a worker, and returns their names."""
    import_module("portal.platform.notices.tasks")

    def run() -> list[str]:
        names = []
        while message := valkey.rpop("portal"):
            envelope = json.loads(str(message))
            name = envelope["headers"]["task"]
            args, kwargs, _ = json.loads(base64.b64decode(envelope["body"]))
            current_app.tasks[name](*args, **kwargs)
            names.append(name)
        return names

    return run
