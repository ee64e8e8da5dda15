from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.gate.access.domain.numbers.waits import Waits, measure_waits
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory, RulingFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_without_answers_nothing_is_claimed() -> None:
    assert measure_waits(at=timezone.now()) is None


def test_median_and_ninetieth_percentile_over_ninety_days_in_hours() -> None:
    now = timezone.now()
    for hours in range(1, 12):
        RulingFactory.create(step__at=now - DAY, waited=hours * HOUR)
    RulingFactory.create(step__at=now - 91 * DAY, waited=1000 * HOUR)
    RulingFactory.create(step__at=now - DAY, waited=1000 * HOUR, taken_back_at=now)
    assert measure_waits(at=now) == Waits(answers=11, median_hours=6.0, p90_hours=10.0)


def test_few_answers_are_told_to_nobody(client: Client) -> None:
    """A percentile of one answer means nothing; the demo's first took no time."""
    HostedModelFactory.create()
    told = []
    for _ in range(10):
        RulingFactory.create(waited=0 * HOUR, made_at=timezone.now())
        told.append(client.get("/how-access-works/").content.decode().count("half of all answers"))
    assert told == [0] * 9 + [1]


@pytest.mark.parametrize(
    ("hours", "said"), [(0.0, "an hour"), (0.9, "an hour"), (1.0, "1.0 h"), (1234.5, "1,234.5 h")]
)
def test_no_wait_is_told_as_no_time(hours: float, said: str) -> None:
    waits = Waits(answers=10, median_hours=hours, p90_hours=hours)
    assert (waits.median, waits.p90) == (said, said)


def test_the_public_page_and_the_applicants_page_tell_the_same(
    client: Client, signed_applicant: User
) -> None:
    HostedModelFactory.create()
    for _ in range(10):
        RulingFactory.create(waited=7 * HOUR, made_at=timezone.now())
    sentence = "half of all answers came within <strong>7.0 h</strong>"
    ApplicationFactory.create(applicant=signed_applicant)
    public = client.get("/how-access-works/").content.decode()
    client.force_login(signed_applicant)
    own = client.get("/access/").content.decode()
    assert [" ".join(page.split()).count(sentence) for page in (public, own)] == [1, 1]
