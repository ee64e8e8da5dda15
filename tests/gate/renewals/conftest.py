"""The people of the renewal tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail

from portal.gate.access.enums import Capability
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import Tier
from portal.platform.accounts.models import User
from portal.platform.notices.domain.sending import send_due
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

END = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
HOLDER = "holder@example.org"


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    """The clock stands still, two weeks before the end of `grant`."""
    with time_machine.travel(END - timedelta(days=14), tick=False) as frozen:
        yield frozen


@pytest.fixture
def holder(db: None) -> User:
    return UserFactory.create(name="Ada Byron", email=HOLDER)


@pytest.fixture
def reviewers(db: None) -> tuple[User, User]:
    """Two reviewers, one of whom acts."""
    ann, ben = (
        UserFactory.create(is_reviewer=True, name=name, email=f"{name.lower()}@example.org")
        for name in ("Ann", "Ben")
    )
    return ann, ben


@pytest.fixture
def grant(holder: User) -> Grant:
    return make_grant(holder)


@pytest.fixture
def sent() -> Callable[[], list[tuple[str, str]]]:
    """Sends the mails that are due, and returns recipients and subjects in order of address."""

    def send() -> list[tuple[str, str]]:
        mail.outbox.clear()
        send_due()
        return sorted((message.to[0], str(message.subject)) for message in mail.outbox)

    return send


def make_grant(
    holder: User,
    *,
    name: str = "Small",
    ends_at: datetime = END,
    weights: bool = False,
    two_reviewers: bool = False,
    **changes: Any,
) -> Grant:
    """A grant of a year until `ends_at`."""
    tier = Tier.TWO_REVIEWERS if two_reviewers else Tier.ONE_REVIEWER
    uses = [Capability.PLAYGROUND, Capability.API, *([Capability.WEIGHTS] if weights else [])]
    return GrantFactory.create(
        user=holder,
        model=HostedModelFactory.create(name=name, tier=tier),
        capabilities=uses,
        starts_at=ends_at - timedelta(days=365),
        ends_at=ends_at,
        **changes,
    )
