"""The people of the console tests."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory


@pytest.fixture
def reviewer(db: None) -> User:
    return UserFactory.create(is_reviewer=True, name="Rita Reviewer")


@pytest.fixture
def console(client: Client, reviewer: User) -> Client:
    """The reviewer's browser."""
    client.force_login(reviewer)
    return client
