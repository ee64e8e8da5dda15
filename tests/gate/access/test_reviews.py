from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from portal.gate.access.domain.process.applications import Answers, submit_application
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.enums import ApplicationState, Capability, Command, GrantState
from portal.gate.access.models import Application, Step
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError, LostRace
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.access.conftest import sign

pytestmark = pytest.mark.django_db


def approve(
    application: Application,
    *,
    by: User,
    models: Sequence[HostedModel] | None = None,
    capabilities: Sequence[Capability] = (Capability.PLAYGROUND,),
    ends_at: datetime | None = None,
    seen: int | None = None,
) -> Step:
    return approve_application(
        application,
        by=by,
        models=list(application.models_wanted.all()) if models is None else models,
        capabilities=capabilities,
        ends_at=ends_at or timezone.now() + timedelta(days=30),
        seen=seen,
    )


@pytest.fixture
def application(model: HostedModel) -> Application:
    return ApplicationFactory.create(models_wanted=[model])


@pytest.fixture
def guarded(db: None) -> HostedModel:
    return HostedModelFactory.create(tier=Tier.TWO_REVIEWERS)


def test_approval_gives_one_grant_for_each_model_chosen(reviewer: User) -> None:
    model, other = HostedModelFactory.create_batch(2)
    application = ApplicationFactory.create(models_wanted=[model, other])
    ends_at = timezone.now() + timedelta(days=30)
    approve(application, by=reviewer, models=[model], ends_at=ends_at)
    assert application.state == ApplicationState.APPROVED
    (grant,) = application.applicant.grants.all()
    assert (grant.model, grant.capabilities, grant.ends_at) == (model, ["playground"], ends_at)
    tags = AuditEvent.objects.order_by("id").values_list("tag", flat=True)
    assert list(tags) == ["access.application.approved", "access.grant.made"]
    assert find_breaks() == []


@pytest.mark.parametrize(
    ("ends_in", "code"),
    [
        (timedelta(0), "end_not_in_future"),
        (timedelta(days=-1), "end_not_in_future"),
        (timedelta(days=5 * 366 + 1), "end_too_far"),
    ],
)
def test_the_end_must_be_a_sensible_day(
    application: Application, reviewer: User, ends_in: timedelta, code: str
) -> None:
    with pytest.raises(DomainError) as refusal:
        approve(application, by=reviewer, ends_at=timezone.now() + ends_in)
    assert (refusal.value.code, refusal.value.field) == (code, "ends_on")


def test_nothing_is_given_that_was_not_asked_for(application: Application, reviewer: User) -> None:
    with pytest.raises(DomainError) as models:
        approve(application, by=reviewer, models=[HostedModelFactory.create()])
    with pytest.raises(DomainError) as uses:
        approve(application, by=reviewer, capabilities=[Capability.WEIGHTS])
    assert (models.value.code, models.value.field) == ("not_asked_for", "models")
    assert (uses.value.code, uses.value.field) == ("not_asked_for", "capabilities")
    assert application.applicant.grants.count() == 0


def test_a_return_needs_notes_and_a_refusal_a_reason(
    application: Application, reviewer: User
) -> None:
    with pytest.raises(DomainError) as returned:
        return_application(application, by=reviewer, note="  ")
    with pytest.raises(DomainError) as rejected:
        reject_application(application, by=reviewer, reason="")
    assert (returned.value.field, rejected.value.field) == ("note", "reason")
    assert application.steps.count() == 0


def test_a_decision_on_a_text_that_was_changed_meanwhile_is_refused(
    application: Application, reviewer: User, model: HostedModel, answers: Callable[..., Answers]
) -> None:
    seen = application.revision
    return_application(application, by=reviewer, note="Say more.")
    applicant = sign(application.applicant, model)
    submit_application(application, by=applicant, answers=answers(intended_use="Something else."))
    with pytest.raises(LostRace) as lost:
        approve(application, by=UserFactory.create(is_reviewer=True), seen=seen)
    assert f"submitted by {applicant.name} on " in lost.value.message
    application.refresh_from_db()
    assert application.state == ApplicationState.SUBMITTED


def test_a_new_grant_replaces_the_one_held_before(
    application: Application, reviewer: User, model: HostedModel
) -> None:
    old = GrantFactory.create(user=application.applicant, model=model)
    approve(application, by=reviewer)
    old.refresh_from_db()
    assert old.state == GrantState.SUPERSEDED
    (new,) = application.grants.all()
    assert new.state == GrantState.ACTIVE
    assert [step.command for step in old.steps.all()] == [Command.SUPERSEDE]


def test_an_approval_does_not_lift_a_suspension(
    application: Application, reviewer: User, model: HostedModel
) -> None:
    GrantFactory.create(user=application.applicant, model=model, state=GrantState.SUSPENDED)
    with pytest.raises(DomainError) as refusal:
        approve(application, by=reviewer)
    assert (refusal.value.code, refusal.value.field) == ("grant_suspended", "models")
    application.refresh_from_db()
    assert application.state == ApplicationState.SUBMITTED


def test_two_different_reviewers_open_a_guarded_model(guarded: HostedModel, reviewer: User) -> None:
    application = ApplicationFactory.create(models_wanted=[guarded])
    first = approve(application, by=reviewer)
    assert (first.command, application.state) == (Command.ENDORSE, ApplicationState.IN_REVIEW)
    assert application.applicant.grants.count() == 0
    second = approve(
        application,
        by=UserFactory.create(is_reviewer=True),
        ends_at=application.endorsements.get().ends_at,
    )
    assert (second.command, application.state) == (Command.APPROVE, ApplicationState.APPROVED)
    assert application.applicant.grants.count() == 1


def test_one_reviewer_does_not_count_for_two(guarded: HostedModel, reviewer: User) -> None:
    application = ApplicationFactory.create(models_wanted=[guarded])
    approve(application, by=reviewer)
    with pytest.raises(DomainError) as refusal:
        approve(application, by=reviewer)
    assert refusal.value.code == "already_endorsed"
    assert application.applicant.grants.count() == 0


def test_wider_terms_than_the_first_agreed_to_wait_for_the_first_again(
    guarded: HostedModel, reviewer: User
) -> None:
    application = ApplicationFactory.create(models_wanted=[guarded])
    second = UserFactory.create(is_reviewer=True)
    approve(application, by=reviewer)
    wider = (Capability.PLAYGROUND, Capability.API)
    later = timezone.now() + timedelta(days=90)
    step = approve(application, by=second, capabilities=wider, ends_at=later)
    assert step.command == Command.ENDORSE
    assert approve(application, by=reviewer).command == Command.APPROVE


def test_a_changed_application_needs_both_reviewers_anew(
    guarded: HostedModel, reviewer: User, answers: Callable[..., Answers]
) -> None:
    application = ApplicationFactory.create(models_wanted=[guarded])
    second = UserFactory.create(is_reviewer=True)
    approve(application, by=reviewer)
    return_application(application, by=second, note="Say more.")
    applicant = sign(application.applicant, guarded)
    submit_application(application, by=applicant, answers=answers(models=(guarded,)))
    assert approve(application, by=second).command == Command.ENDORSE


def test_a_reviewer_of_the_applicants_domain_is_recorded_and_not_barred(
    application: Application, model: HostedModel
) -> None:
    here = UserFactory.create(is_reviewer=True, email="rita@example.org")
    elsewhere = UserFactory.create(is_reviewer=True, email="olga@reviews.example")
    approve(application, by=here)
    approve(ApplicationFactory.create(models_wanted=[model]), by=elsewhere)
    events = AuditEvent.objects.filter(tag="access.application.approved").order_by("id")
    assert [event.data["same_domain"] for event in events] == [True, False]
