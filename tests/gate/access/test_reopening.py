from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.desk.claims import claim_application
from portal.gate.access.domain.process.applications import (
    Answers,
    open_draft,
    submit_application,
    withdraw_application,
)
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reopening import appeal_decision, reopen_application
from portal.gate.access.domain.process.reviews import approve_application, reject_application
from portal.gate.access.enums import ApplicationState, Capability, GrantState
from portal.gate.access.models import Application, Grant
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.core.errors import DomainError
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def application(signed_applicant: User, model: HostedModel) -> Application:
    return ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])


@pytest.fixture
def other(db: None) -> User:
    return UserFactory.create(is_reviewer=True, name="Olga Other")


def approve(application: Application, by: User) -> Grant:
    approve_application(
        application,
        by=by,
        models=list(application.models_wanted.all()),
        capabilities=[Capability.PLAYGROUND],
        ends_at=timezone.now() + timedelta(days=30),
    )
    return application.grants.latest("pk")


def test_an_appeal_goes_once_to_somebody_else(
    application: Application, reviewer: User, other: User
) -> None:
    applicant = application.applicant
    reject_application(application, by=reviewer, reason="Commercial.")
    appeal_decision(application, by=applicant, text="It is a public project.")
    assert application.state == ApplicationState.APPEALED
    for act in (
        lambda: claim_application(application, by=reviewer),
        lambda: approve(application, reviewer),
        lambda: reject_application(application, by=reviewer, reason="Still."),
    ):
        with pytest.raises(DomainError) as refusal:
            act()
        assert refusal.value.code == "decided_before"
    claim_application(application, by=other)
    reject_application(application, by=other, reason="Commercial indeed.")
    with pytest.raises(DomainError) as again:
        appeal_decision(application, by=applicant, text="Once more.")
    assert again.value.code == "appealed_before"
    assert find_breaks() == []


def test_an_appeal_waits_while_the_refusal_is_held(
    application: Application, reviewer: User, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    reject_application(application, by=reviewer, reason="Commercial.")
    with pytest.raises(DomainError) as refusal:
        appeal_decision(application, by=application.applicant, text="No.")
    assert refusal.value.code == "application_pending"


def test_another_reviewer_reopens_and_access_stands_still(
    application: Application, reviewer: User, other: User
) -> None:
    grant = approve(application, reviewer)
    with pytest.raises(DomainError) as refusal:
        reopen_application(application, by=reviewer, reason="I was wrong.")
    assert refusal.value.code == "decided_before"
    reopen_application(application, by=other, reason="The institution wrote to us.")
    grant.refresh_from_db()
    assert (application.state, grant.state) == (ApplicationState.IN_REVIEW, GrantState.SUSPENDED)
    new = approve(application, other)
    grant.refresh_from_db()
    assert (grant.state, new.state) == (GrantState.SUPERSEDED, GrantState.ACTIVE)


@pytest.mark.parametrize("end", ["reject", "withdraw"])
def test_what_was_halted_ends_with_its_application(
    application: Application, reviewer: User, other: User, end: str
) -> None:
    grant = approve(application, reviewer)
    reopen_application(application, by=other, reason="The institution wrote to us.")
    if end == "reject":
        reject_application(application, by=other, reason="They do not work there.")
    else:
        withdraw_application(application, by=application.applicant)
    grant.refresh_from_db()
    assert grant.state == GrantState.REVOKED


def test_taking_a_refusal_back_lets_its_grant_stand_still_again(
    application: Application, reviewer: User, other: User, settings: Settings
) -> None:
    grant = approve(application, reviewer)
    reopen_application(application, by=other, reason="The institution wrote to us.")
    settings.DECISION_HOLD_SECONDS = 600
    reject_application(application, by=other, reason="They do not work there.")
    take_back_decision(application, by=other)
    grant.refresh_from_db()
    assert grant.state == GrantState.SUSPENDED
    approve(application, other)
    grant.refresh_from_db()
    assert grant.state == GrantState.SUPERSEDED


def test_a_held_decision_is_taken_back_and_not_reopened(
    application: Application, reviewer: User, other: User, settings: Settings
) -> None:
    settings.DECISION_HOLD_SECONDS = 600
    approve(application, reviewer)
    with pytest.raises(DomainError) as refusal:
        reopen_application(application, by=other, reason="Wait.")
    assert refusal.value.code == "decision_held"


def test_nothing_is_reopened_beside_another_open_application(
    application: Application, reviewer: User, other: User
) -> None:
    reject_application(application, by=reviewer, reason="Commercial.")
    draft = open_draft(application.applicant)
    with pytest.raises(DomainError) as refusal:
        reopen_application(application, by=other, reason="A mistake.")
    assert refusal.value.code == "other_application_open"
    assert draft.case_number in refusal.value.message


def test_a_new_application_is_submitted_when_the_pause_is_over(
    application: Application,
    reviewer: User,
    answers: Callable[..., Answers],
    settings: Settings,
) -> None:
    settings.REAPPLY_AFTER_DAYS = 14
    applicant = application.applicant
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        reject_application(application, by=reviewer, reason="Commercial.")
        draft = open_draft(applicant)
        clock.move_to(start + timedelta(days=14, seconds=-1))
        with pytest.raises(DomainError) as refusal:
            submit_application(draft, by=applicant, answers=answers())
        clock.move_to(start + timedelta(days=14))
        submit_application(draft, by=applicant, answers=answers())
    assert refusal.value.code == "too_soon"
    assert draft.state == ApplicationState.SUBMITTED
