"""The effect of time on grants: each warning once, the end once, and no mail too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.gate.access.domain.rights.duration import extend_grants
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.access.signals import access_ended
from portal.gate.renewals.domain.endings import watch_ends
from portal.gate.renewals.domain.window import renewable_grants
from portal.gate.renewals.enums import RenewalState
from portal.gate.renewals.models import EndNotice
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.notices.domain.reading import list_notices
from tests.factories.renewals import hand_in, make_renewal
from tests.gate.renewals.conftest import END, HOLDER, make_grant

pytestmark = pytest.mark.django_db
Sent = Callable[[], list[tuple[str, str]]]
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The grants in `access_ended` signals."""
    told: list[int] = []

    def hear(*, grant_id: int, **_: Any) -> None:
        told.append(grant_id)

    access_ended.connect(hear)
    yield told
    access_ended.disconnect(hear)


@pytest.mark.slow
def test_a_whole_year_brings_four_mails(
    clock: time_machine.Traveller, grant: Grant, sent: Sent
) -> None:
    mails: list[tuple[float, str]] = []
    moment = END - 40 * DAY
    while moment <= END + 40 * DAY:
        clock.move_to(moment)
        watch_ends(at=moment)
        mails += [((END - moment) / DAY, subject) for _, subject in sent()]
        moment += timedelta(hours=6)
    assert mails == [
        (30, "Your access to Small ends in 30 days"),
        (7, "Your access to Small ends in 7 days"),
        (1, "Your access to Small ends within a day"),
        (0, "Your access to Small has ended"),
    ]
    told = [notice.subject for notice in list_notices(grant.user_id)]
    assert told == [subject for _, subject in reversed(mails)]


@pytest.mark.parametrize("days", [30, 7, 1])
def test_a_warning_leaves_at_its_second_and_never_again(
    days: int, clock: time_machine.Traveller, grant: Grant, sent: Sent
) -> None:
    for earlier in (30, 7):
        if earlier > days:
            clock.move_to(END - earlier * DAY)
            watch_ends(at=timezone.now())
    sent()
    due = END - days * DAY
    counts = []
    for moment in (due - SECOND, due, due + SECOND, due + timedelta(hours=5)):
        clock.move_to(moment)
        watch_ends(at=moment)
        counts.append(len(sent()))
    assert counts == [0, 1, 0, 0]


def test_no_warning_of_an_end_that_was_moved(
    clock: time_machine.Traveller, grant: Grant, reviewers: tuple[User, User], sent: Sent
) -> None:
    clock.move_to(END - 30 * DAY)
    watch_ends(at=timezone.now())
    assert len(sent()) == 1
    extend_grants([grant], by=reviewers[0], ends_at=END + 100 * DAY)
    for days_left in (7, 1, 0):
        clock.move_to(END - days_left * DAY)
        watch_ends(at=timezone.now())
    assert sent() == []
    # The warnings about the new end are sent as usual.
    clock.move_to(END + 70 * DAY)
    watch_ends(at=timezone.now())
    assert sent() == [(HOLDER, "Your access to Small ends in 30 days")]


def test_grants_that_end_together_are_one_mail(
    clock: time_machine.Traveller, holder: User, sent: Sent
) -> None:
    for name in ("Large", "Small", "Tiny"):
        make_grant(holder, name=name)
    make_grant(holder, name="Later", ends_at=END + DAY)
    clock.move_to(END - 7 * DAY)
    watch_ends(at=timezone.now())
    assert sent() == [
        (HOLDER, "Your access to Large, Small and Tiny ends in 7 days"),
        (HOLDER, "Your access to Later ends in 8 days"),
    ]


def test_what_was_missed_is_not_made_up_for(
    clock: time_machine.Traveller, grant: Grant, sent: Sent
) -> None:
    clock.move_to(END - 5 * DAY)
    for _ in range(3):
        watch_ends(at=timezone.now())
    assert sent() == [(HOLDER, "Your access to Small ends in 5 days")]


def test_a_short_grant_is_not_warned_when_it_begins(
    clock: time_machine.Traveller, holder: User, sent: Sent
) -> None:
    grant = make_grant(holder)
    Grant.objects.filter(pk=grant.pk).update(starts_at=END - 20 * DAY)
    watch_ends(at=timezone.now())
    assert sent() == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (GrantState.ACTIVE, 2),
        (GrantState.SUSPENDED, 1),
        (GrantState.REVOKED, 0),
        (GrantState.SUPERSEDED, 0),
        (GrantState.VOID, 0),
        (GrantState.CLOSED, 0),
    ],
)
def test_mails_by_the_state_of_the_grant(
    state: GrantState, expected: int, clock: time_machine.Traveller, holder: User, sent: Sent
) -> None:
    make_grant(holder, state=state)
    for moment in (END - DAY, END):
        clock.move_to(moment)
        watch_ends(at=moment)
    assert len(sent()) == expected


def test_a_closed_account_gets_no_mail_and_its_end_an_event(
    clock: time_machine.Traveller, grant: Grant, sent: Sent
) -> None:
    User.objects.filter(pk=grant.user_id).update(is_active=False)
    for moment in (END - DAY, END):
        clock.move_to(moment)
        watch_ends(at=moment)
    assert sent() == []
    assert AuditEvent.objects.filter(tag=AuditTag.GRANT_EXPIRED).count() == 1


def test_the_end_is_an_event_and_stops_what_runs(
    clock: time_machine.Traveller,
    grant: Grant,
    heard: list[int],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    for moment, expected in ((END - SECOND, 0), (END, 1), (END + SECOND, 1)):
        clock.move_to(moment)
        with django_capture_on_commit_callbacks(execute=True):
            watch_ends(at=moment)
        events = AuditEvent.objects.filter(tag=AuditTag.GRANT_EXPIRED)
        assert [(event.subject, event.data) for event in events] == [
            (f"grant:{grant.pk}", {"ends_at": END.isoformat()})
        ] * expected
        assert heard == [grant.pk] * expected
    assert find_breaks() == []


def test_the_mail_of_the_end_says_what_can_be_done(
    clock: time_machine.Traveller, holder: User, sent: Sent
) -> None:
    grant = make_grant(holder, weights=True)
    clock.move_to(END)
    watch_ends(at=END)
    assert len(sent()) == 1
    body = mail.outbox[0].body
    assert body.count("You can still renew it with a one-page report until 1 July 2027.") == 1
    assert body.count(f"/access/grants/{grant.pk}/statement/") == 1


def test_a_warning_knows_of_a_renewal_under_way(
    clock: time_machine.Traveller, grant: Grant, sent: Sent
) -> None:
    hand_in([grant])
    sent()
    clock.move_to(END - 7 * DAY)
    watch_ends(at=timezone.now())
    assert len(sent()) == 1
    assert mail.outbox[0].body.count("you do not need to submit another report") == 1


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (END - 60 * DAY - SECOND, False),
        (END - 60 * DAY, True),
        (END - SECOND, True),
        (END, True),
        (END + 30 * DAY - SECOND, True),
        (END + 30 * DAY, False),
    ],
)
def test_the_weeks_in_which_a_grant_can_be_renewed(
    moment: datetime, expected: bool, grant: Grant, holder: User
) -> None:
    assert renewable_grants(holder, at=moment).exists() == expected


def test_a_returned_renewal_lapses_when_nothing_can_be_renewed_any_more(
    clock: time_machine.Traveller, grant: Grant, reviewers: tuple[User, User], sent: Sent
) -> None:
    renewal = make_renewal(grant, RenewalState.RETURNED, decider=reviewers[0])
    EndNotice.objects.create(grant=grant, ends_at=END, days_left=0, at=END)
    for moment, state in (
        (END + 30 * DAY - SECOND, RenewalState.RETURNED),
        (END + 30 * DAY, RenewalState.LAPSED),
    ):
        clock.move_to(moment)
        watch_ends(at=moment)
        renewal.refresh_from_db()
        assert renewal.state == state
    assert sent() == [(HOLDER, "Your renewal is closed without an answer")]
