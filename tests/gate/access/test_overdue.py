from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from time_machine import Traveller

from portal.gate.access.domain.desk.claims import announce_absence
from portal.gate.access.models import Application
from portal.gate.access.tasks import call_to_overdue
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.notices.domain.sending import send_due
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def clock(db: None) -> Iterator[Traveller]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ann(clock: Traveller) -> User:
    return UserFactory.create(is_reviewer=True, email="ann@example.org")


@pytest.fixture
def ben(clock: Traveller) -> User:
    return UserFactory.create(is_reviewer=True, email="ben@example.org")


@pytest.fixture
def application(clock: Traveller, model: HostedModel) -> Application:
    """Promised within five working days."""
    model.release.review_days = 5
    model.release.save()
    return ApplicationFactory.create(models_wanted=[model], case_number="GH-2026-0042")


def deliver() -> Counter[str]:
    """Run the beat task twice, and return the number of mails by recipient."""
    mail.outbox.clear()
    call_to_overdue()
    call_to_overdue()
    send_due()
    return Counter(message.to[0] for message in mail.outbox)


def test_reviewers_get_one_mail_a_week_from_when_it_is_overdue_and_operators_one_ever(
    clock: Traveller, application: Application, ann: User, ben: User
) -> None:
    UserFactory.create(is_staff=True, email="operator@example.org")
    days: dict[str, list[int]] = {}
    for day in range(24):
        clock.move_to(MONDAY + day * DAY + timedelta(seconds=1))
        for person, count in deliver().items():
            days.setdefault(person, []).extend([day] * count)
    assert days == {
        "ann@example.org": [7, 14, 21],
        "ben@example.org": [7, 14, 21],
        "operator@example.org": [14],
    }


def test_nothing_leaves_at_the_last_moment_of_the_promise(
    clock: Traveller, application: Application, ann: User
) -> None:
    clock.move_to(MONDAY + 7 * DAY)
    assert deliver() == {}


def test_only_who_holds_it_is_reminded(
    clock: Traveller, application: Application, ann: User, ben: User
) -> None:
    clock.move_to(MONDAY + 8 * DAY)
    application.claimed_by, application.claim_ends_at = ann, MONDAY + 9 * DAY
    application.save()
    assert deliver() == {"ann@example.org": 1}
    assert "GH-2026-0042 (yours)" in mail.outbox[0].body.splitlines()
    clock.move_to(MONDAY + 9 * DAY)
    assert deliver() == {"ben@example.org": 1}
    assert "GH-2026-0042 (free)" in mail.outbox[0].body.splitlines()


def test_neither_the_applicant_nor_who_is_out_of_office_is_called(
    clock: Traveller, application: Application, ann: User, ben: User
) -> None:
    User.objects.filter(pk=application.applicant_id).update(is_reviewer=True, is_staff=True)
    announce_absence(ann, until=MONDAY + 60 * DAY, deputy=None)
    clock.move_to(MONDAY + 20 * DAY)
    assert deliver() == {"ben@example.org": 1}
