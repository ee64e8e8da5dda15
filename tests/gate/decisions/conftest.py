"""A reviewer with a program, and an application that waits."""

from __future__ import annotations

import pytest

from portal.gate.access.models import Application
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.lab.api.client import ApiClient, client_of


@pytest.fixture
def reviewer(transactional_db: None) -> User:
    return UserFactory.create(is_reviewer=True, name="Rita Reviewer")


@pytest.fixture
def desk(reviewer: User) -> ApiClient:
    return client_of(reviewer)


@pytest.fixture
def waiting(transactional_db: None) -> Application:
    return ApplicationFactory.create(models_wanted=[HostedModelFactory.create(slug="small")])
