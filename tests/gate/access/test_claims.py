from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from portal.gate.access.domain.desk.claims import (
    LEASE,
    announce_absence,
    claim_application,
    end_absence,
    hand_over_application,
    held_claims,
    release_application,
)
from portal.gate.access.domain.process.reviews import reject_application
from portal.gate.access.enums import ApplicationState, Command
from portal.gate.access.models import Application
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def application(db: None) -> Application:
    return ApplicationFactory.create()


@pytest.fixture
def other(db: None) -> User:
    return UserFactory.create(is_reviewer=True, name="Olga Other")


def test_a_claim_keeps_others_off_for_a_day(
    application: Application, reviewer: User, other: User
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        claim_application(application, by=reviewer)
        assert application.state == ApplicationState.IN_REVIEW
        clock.move_to(start + LEASE - timedelta(seconds=1))
        with pytest.raises(DomainError) as refusal:
            reject_application(application, by=other, reason="Commercial.")
        with pytest.raises(DomainError) as second:
            claim_application(application, by=other)
        assert (refusal.value.code, second.value.code) == ("claimed_by_other",) * 2
        assert refusal.value.message.startswith("Rita Reviewer holds this application until ")
        clock.move_to(start + LEASE)
        claim_application(application, by=other)
    assert application.claimed_by == other


def test_a_decision_ends_the_claim(application: Application, reviewer: User) -> None:
    claim_application(application, by=reviewer)
    reject_application(application, by=reviewer, reason="Commercial.")
    application.refresh_from_db()
    assert (application.claimed_by, application.claim_ends_at) == (None, None)


def test_what_is_laid_down_is_free(application: Application, reviewer: User, other: User) -> None:
    claim_application(application, by=reviewer)
    with pytest.raises(DomainError) as refusal:
        release_application(application, by=other)
    assert refusal.value.code == "not_claimed"
    release_application(application, by=reviewer)
    claim_application(application, by=other)
    assert application.claimed_by == other


def test_handed_over_it_is_the_others_for_a_day(
    application: Application, reviewer: User, other: User
) -> None:
    claim_application(application, by=reviewer)
    step = hand_over_application(application, by=reviewer, to=other, note="You know the field.")
    assert (application.claimed_by, step.note) == (other, "To Olga Other. You know the field.")
    event = AuditEvent.objects.get(tag="access.application.handed_over")
    assert (event.data["to"], event.data["receiver"]) == ("in_review", other.pk)


def test_nothing_is_handed_to_who_cannot_decide(
    application: Application, reviewer: User, other: User
) -> None:
    claim_application(application, by=reviewer)
    announce_absence(other, until=timezone.now() + timedelta(days=3), deputy=None)
    applicant = application.applicant
    applicant.is_reviewer = True
    applicant.save()
    for to in (UserFactory.create(), applicant, reviewer, other):
        with pytest.raises(DomainError) as refusal:
            hand_over_application(application, by=reviewer, to=to)
        assert refusal.value.code == "not_for_them"


def test_out_of_office_moves_claims_to_the_deputy_but_never_their_own_application(
    application: Application, reviewer: User, other: User
) -> None:
    own = ApplicationFactory.create(applicant=other)
    for row in (application, own):
        claim_application(row, by=reviewer)
    moved = announce_absence(reviewer, until=timezone.now() + timedelta(days=7), deputy=other)
    assert set(moved) == {application, own}
    for row in (application, own):
        row.refresh_from_db()
    assert (application.claimed_by, own.claimed_by) == (other, None)
    assert [step.command for step in own.steps.all()] == [Command.CLAIM, Command.RELEASE]


def test_who_is_out_of_office_takes_nothing_up_until_they_are_back(
    application: Application, reviewer: User
) -> None:
    announce_absence(reviewer, until=timezone.now() + timedelta(days=7), deputy=None)
    with pytest.raises(DomainError) as refusal:
        claim_application(application, by=reviewer)
    assert refusal.value.code == "absent"
    end_absence(reviewer)
    claim_application(application, by=reviewer)
    assert list(held_claims(reviewer, at=timezone.now())) == [application]
    tags = AuditEvent.objects.filter(tag="access.absence.changed").count()
    assert tags == 2
