"""Renewals can be rebuilt from the audit log after any history, and their promises hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import Tier
from portal.gate.renewals.domain.decisions import (
    approve_renewal,
    claim_renewal,
    refuse_renewal,
    release_renewal,
    return_renewal,
)
from portal.gate.renewals.domain.endings import watch_ends
from portal.gate.renewals.domain.handing_in import hand_in_report, open_renewal, withdraw_renewal
from portal.gate.renewals.domain.rebuild import find_differences
from portal.gate.renewals.domain.statements import give_back
from portal.gate.renewals.domain.window import renewable_grants
from portal.gate.renewals.enums import OPEN_STATES, RenewalCommand
from portal.gate.renewals.models import EndNotice, Renewal, RenewalStep
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.renewals import REPORT
from tests.gate.renewals.conftest import END, make_grant

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
STEPS = 120


def act_as_holder(holder: User, rng: random.Random) -> None:
    renewal = open_renewal(holder)
    match rng.randrange(8):
        case 0 if renewal is not None:
            withdraw_renewal(renewal, by=holder)
        case 1:
            grant = Grant.objects.filter(user=holder).select_related("application").first()
            if grant is not None:
                give_back(grant, by=holder)
        case _:
            grants = list(renewable_grants(holder, at=timezone.now()))
            hand_in_report(holder, grants=grants, answers=REPORT)


def act_as_reviewer(by: User, rng: random.Random) -> None:
    rows = list(
        Renewal.objects.filter(state__in=OPEN_STATES).select_related("holder", "claimed_by")
    )
    if rows and rng.random() < 0.9:
        until = timezone.now() + timedelta(days=rng.choice([30, 60, 90]))
        acts: list[Callable[[Renewal], object]] = [
            lambda row: claim_renewal(row, by=by),
            lambda row: release_renewal(row, by=by),
            lambda row: return_renewal(row, by=by, note="More."),
            lambda row: refuse_renewal(row, by=by, reason="No."),
            *[lambda row: approve_renewal(row, by=by, ends_at=until)] * 4,
        ]
        rng.choice(acts)(rng.choice(rows))
        return
    grant = rng.choice(list(Grant.objects.all()))
    change = rng.choice([suspend_grant, resume_grant, revoke_grant])
    change(grant, by=by, reason="So.")


@pytest.mark.parametrize("seed", range(5))
def test_random_histories_keep_every_promise(seed: int) -> None:
    rng = random.Random(seed)
    with time_machine.travel(END - timedelta(days=40), tick=False) as clock:
        people = [UserFactory.create(is_reviewer=number == 0) for number in range(4)]
        for person in people:
            make_grant(person, two_reviewers=True)
            make_grant(person)
        reviewers = [people[0], *(UserFactory.create(is_reviewer=True) for _ in range(3))]
        for _ in range(STEPS):
            clock.shift(timedelta(hours=rng.choice([1, 5, 25])))
            with suppress(DomainError):
                if rng.random() < 0.4:
                    act_as_holder(rng.choice(people), rng)
                else:
                    act_as_reviewer(rng.choice(reviewers), rng)
            watch_ends(at=timezone.now())
        assert (find_differences(), find_breaks()) == ([], [])
        assert Renewal.objects.count() > 3
        assert_promises()


def assert_promises() -> None:
    """No one decides on their own renewal; two agree if two must; every end gets one mail."""
    decided = [RenewalCommand.APPROVE, RenewalCommand.REFUSE, RenewalCommand.RETURN]
    for step in RenewalStep.objects.filter(command__in=decided).select_related("renewal"):
        assert step.actor_id != step.renewal.holder_id
    for step in RenewalStep.objects.filter(command=RenewalCommand.APPROVE):
        assert step.ends_at is not None
        extended = step.renewal.grants.filter(ends_at=step.ends_at)
        if extended.filter(model__tier=Tier.TWO_REVIEWERS).exists():
            agreed = step.renewal.steps.filter(
                command=RenewalCommand.ENDORSE, ends_at__gte=step.ends_at
            )
            assert agreed.exclude(actor=step.actor).exists()
    over = Grant.objects.filter(
        state__in=[GrantState.ACTIVE, GrantState.SUSPENDED], ends_at__lte=timezone.now()
    )
    for grant in over:
        told = EndNotice.objects.filter(grant=grant, ends_at=grant.ends_at, days_left=0)
        assert told.count() == 1


def test_a_row_that_was_changed_past_the_log_is_named() -> None:
    with time_machine.travel(END - timedelta(days=9), tick=False):
        grant = make_grant(UserFactory.create())
        renewal = hand_in_report(grant.user, grants=[grant], answers=REPORT)
    assert find_differences() == []
    Renewal.objects.filter(pk=renewal.pk).update(state="refused")
    assert find_differences() == [f"renewal:{renewal.pk}"]


def test_an_operator_is_told_what_differs() -> None:
    out = StringIO()
    call_command("verify_record", stdout=out)
    # Objects made by a factory are not in the log.
    grant = make_grant(UserFactory.create())

    with pytest.raises(CommandError) as found:
        call_command("verify_record")

    assert out.getvalue() == "The tables match the audit log.\n"
    assert f"  grant:{grant.pk}" in str(found.value).splitlines()
    assert found.value.returncode == 1
