"""Two people act on one renewal at the same time: one wins, and neither acts halfway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.decisions import approve_renewal, refuse_renewal, return_renewal
from portal.gate.renewals.domain.endings import watch_ends
from portal.gate.renewals.domain.handing_in import withdraw_renewal
from portal.gate.renewals.domain.statements import give_back
from portal.gate.renewals.enums import RenewalCommand, RenewalState
from portal.gate.renewals.models import EndNotice, Renewal
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.core.errors import DomainError
from portal.platform.notices.models import Notice
from tests.factories.accounts import UserFactory
from tests.factories.renewals import hand_in
from tests.gate.renewals.conftest import make_grant

pytestmark = pytest.mark.django_db(transaction=True)
Act = Callable[[Renewal], object]
ROUNDS = 20


def race(pk: int, *acts: Act) -> list[object]:
    """Run each action on its own connection, after all have read the row."""
    have_read = Barrier(len(acts), timeout=10)

    def run(act: Act) -> object:
        try:
            row = Renewal.objects.select_related("holder").get(pk=pk)
            have_read.wait()
            return act(row)
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def choose_acts(rng: Random, ann: User, ben: User) -> Iterator[Act]:
    """Two different actions that can meet."""
    later = timezone.now() + timedelta(days=300)
    acts: list[Act] = [
        lambda row: approve_renewal(row, by=ann, ends_at=later),
        lambda row: approve_renewal(row, by=ben, ends_at=later + timedelta(days=1)),
        lambda row: refuse_renewal(row, by=ben, reason="Commercial."),
        lambda row: return_renewal(row, by=ann, note="Say more."),
        lambda row: withdraw_renewal(row, by=row.holder),
        lambda row: give_back(_grant_of(row), by=row.holder),
    ]
    yield from rng.sample(acts, 2)


def _grant_of(renewal: Renewal) -> Grant:
    return renewal.grants.select_related("user", "model", "application").get()


def test_of_two_at_once_exactly_one_wins() -> None:
    rng = Random(5)
    ann, ben = (UserFactory.create(is_reviewer=True) for _ in range(2))
    for _ in range(ROUNDS):
        grant = make_grant(UserFactory.create(), ends_at=timezone.now() + timedelta(days=9))
        renewal = hand_in([grant])
        outcomes = race(renewal.pk, *choose_acts(rng, ann, ben))
        won = [outcome for outcome in outcomes if not isinstance(outcome, DomainError)]
        steps = renewal.steps.exclude(command=RenewalCommand.SUBMIT)
        renewal.refresh_from_db()
        old_end = grant.ends_at
        grant.refresh_from_db()
        # Giving back after a decision does not contradict it; everything else does.
        assert len(won) == 1 or grant.state == GrantState.CLOSED
        assert steps.count() == 1
        is_longer = grant.ends_at > old_end
        assert is_longer == (renewal.state == RenewalState.APPROVED)
    assert find_breaks() == []


def test_two_beats_at_once_send_one_mail() -> None:
    grant = make_grant(UserFactory.create(), ends_at=timezone.now() + timedelta(days=6))
    renewal = hand_in([grant])
    Notice.objects.all().delete()
    now = timezone.now()
    race(renewal.pk, *[lambda _: watch_ends(at=now)] * 4)
    assert (Notice.objects.count(), EndNotice.objects.count()) == (1, 1)
