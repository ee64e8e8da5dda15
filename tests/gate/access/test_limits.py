"""Limits of one grant: who sets them, and their effect."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.rights.limits import parallel_limits, set_limits
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.lab.jobs.domain.scheduling import send_waiting
from portal.lab.jobs.domain.usage_report import report_usage
from portal.lab.jobs.enums import JobClass, Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.quota.domain.ledger import find_quota
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory, beat, make_researcher
from tests.factories.usage import reserve_tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant() -> Grant:
    user, model = make_researcher()
    return Grant.objects.get(user=user, model=model)


def limit(grant: Grant, *, daily_tokens: int | None = None, parallel: int | None = None) -> None:
    set_limits(
        grant,
        by=UserFactory.create(is_reviewer=True),
        daily_tokens=daily_tokens,
        parallel_jobs=parallel,
        reason="A large evaluation.",
    )


def test_a_quota_of_its_own_counts_its_own_model(grant: Grant, settings: Settings) -> None:
    settings.DAILY_TOKEN_QUOTA = 1000
    other = GrantFactory.create(user=grant.user)
    limit(grant, daily_tokens=50)
    now = timezone.now()

    reserve_tokens(grant.user, tokens=40, model=grant.model)
    reserve_tokens(grant.user, tokens=600, model=other.model)

    own = find_quota(grant.user, model=grant.model, at=now)
    site = find_quota(grant.user, model=other.model, at=now)
    assert (own.tokens, own.left) == (50, 10)
    assert (site.tokens, site.left) == (1000, 400)
    with pytest.raises(DomainError) as refusal:
        reserve_tokens(grant.user, tokens=11, model=grant.model)
    assert refusal.value.code == "quota_exceeded"


@pytest.mark.parametrize("seconds", [-1, 0])
def test_limits_end_with_their_grant(grant: Grant, settings: Settings, seconds: int) -> None:
    limit(grant, daily_tokens=50, parallel=2)
    ends_at = timezone.now() + timedelta(days=1)
    Grant.objects.update(ends_at=ends_at)
    at = ends_at + timedelta(seconds=seconds)

    quota = find_quota(grant.user, model=grant.model, at=at)
    runs = parallel_limits([grant.user_id], deployment="smollm2-135m", at=at, default=32)

    is_in_force = seconds < 0
    assert quota.tokens == (50 if is_in_force else settings.DAILY_TOKEN_QUOTA)
    assert runs == {grant.user_id: 2 if is_in_force else 32}


@pytest.mark.django_db(transaction=True)
def test_only_so_many_runs_are_sent_at_a_time(grant: Grant, valkey: redis.Redis) -> None:
    beat(valkey, max_num_seqs=16)
    limit(grant, parallel=2)
    for _ in range(5):
        GenerationJobFactory.create(
            user=grant.user,
            model=grant.model,
            held_back=True,
            origin=Origin.API,
            job_class=JobClass.API,
        )

    assert send_waiting(grant.model.deployment) == 2
    assert send_waiting(grant.model.deployment) == 0
    assert GenerationJob.objects.filter(sent_at__isnull=True).count() == 3


def test_the_holder_sees_them(grant: Grant) -> None:
    limit(grant, daily_tokens=50, parallel=2)

    (own,) = report_usage(grant.user, at=timezone.now()).own_limits

    assert (own.model, own.quota, own.left, own.parallel_jobs) == (grant.model.slug, 50, 50, 2)


def test_nobody_limits_their_own_access(grant: Grant) -> None:
    with pytest.raises(DomainError) as refusal:
        set_limits(grant, by=grant.user, daily_tokens=10**9, parallel_jobs=None, reason="Mine.")

    assert refusal.value.code == "own_grant"


def test_what_has_ended_is_not_limited(grant: Grant) -> None:
    Grant.objects.update(state=GrantState.REVOKED)

    with pytest.raises(DomainError) as refusal:
        limit(grant, parallel=1)

    assert refusal.value.code == "grant_not_held"


def test_a_reviewer_sets_them_on_a_page(grant: Grant, client: Client) -> None:
    client.force_login(UserFactory.create(is_reviewer=True))
    address = reverse("console:grant-limits", args=[grant.pk])
    assert client.get(address).status_code == 200

    refused = client.post(address, {"daily_tokens": "0", "reason": ""})
    done = client.post(address, {"daily_tokens": "5000", "parallel_jobs": "", "reason": "A study."})

    assert refused.status_code == 422
    assert done.status_code == 302
    grant.refresh_from_db()
    assert (grant.daily_tokens, grant.parallel_jobs) == (5000, None)
    event = AuditEvent.objects.order_by("-id")[0]
    assert (event.tag, event.data) == (
        "access.grant.limited",
        {"daily_tokens": 5000, "parallel_jobs": None},
    )
