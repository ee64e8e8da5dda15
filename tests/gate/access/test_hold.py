"""Ten minutes between a decision and its mail, in which it can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from portal.gate.access.domain.decide import decide, usable_models
from portal.gate.access.domain.numbers.waits import measure_waits
from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.enums import ApplicationState, Capability, Code, Command, GrantState
from portal.gate.access.models import Application, Step
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.notices.domain.sending import send_due
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import Notice
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
HOLD = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def _ten_minutes(settings: Settings) -> None:
    settings.DECISION_HOLD_SECONDS = 600


@pytest.fixture
def application(signed_applicant: User, model: HostedModel) -> Application:
    return ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])


def approve(application: Application, by: User) -> Step:
    return approve_application(
        application,
        by=by,
        models=list(application.models_wanted.all()),
        capabilities=[Capability.PLAYGROUND],
        ends_at=timezone.now() + timedelta(days=30),
    )


DECISIONS = {
    Command.RETURN: lambda row, by: return_application(row, by=by, note="Say more."),
    Command.REJECT: lambda row, by: reject_application(row, by=by, reason="Commercial."),
    Command.APPROVE: approve,
}


@pytest.mark.parametrize("command", DECISIONS)
def test_the_mail_leaves_when_the_hold_is_over_and_not_a_second_before(
    application: Application, reviewer: User, command: Command
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        step = DECISIONS[command](application, reviewer)
        assert application.effective_at == start + HOLD
        clock.move_to(start + HOLD - timedelta(seconds=1))
        assert (send_due(), mail.outbox) == (0, [])
        clock.move_to(start + HOLD)
        assert (send_due(), send_due()) == (1, 0)
        step.refresh_from_db()
        assert step.told_at == start + HOLD
    assert [message.to for message in mail.outbox] == [[application.applicant.email]]


def test_a_grant_begins_when_its_holder_is_told(
    application: Application, reviewer: User, model: HostedModel
) -> None:
    start = timezone.now()
    applicant = application.applicant
    with time_machine.travel(start, tick=False):
        approve(application, reviewer)
    seconds = (-1, 0, 1)
    moments = [start + HOLD + timedelta(seconds=second) for second in seconds]
    codes = [decide(applicant, model, Capability.PLAYGROUND, at).code for at in moments]
    listed = [usable_models(applicant, Capability.PLAYGROUND, at).count() for at in moments]
    assert codes == [Code.PENDING, Code.OK, Code.OK]
    assert listed == [0, 1, 1]


@pytest.mark.parametrize("command", DECISIONS)
def test_until_then_the_applicants_pages_tell_of_a_review(
    application: Application, reviewer: User, command: Command, client: Client
) -> None:
    client.force_login(application.applicant)
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        DECISIONS[command](application, reviewer)
        during = client.get("/access/").context
        own = client.get(f"/access/applications/{application.case_number}/").context
        assert during["application"].state == ApplicationState.IN_REVIEW
        assert (during["acts_next"], during["can_appeal"]) == ("a reviewer", False)
        assert ([*during["history"]], [*during["grants"]]) == ([], [])
        assert (own["can_withdraw"], [*own["history"]], [*own["grants"]]) == (False, [], [])
        with pytest.raises(DomainError) as refusal:
            open_draft(application.applicant)
        assert refusal.value.code == "application_pending"
        clock.move_to(start + HOLD)
        after = client.get("/access/").context
    assert after["application"].state == application.state
    assert [entry.command for entry in after["history"]] == [command]


@pytest.mark.parametrize("command", DECISIONS)
def test_taken_back_it_is_in_review_again_and_nobody_hears_of_it(
    application: Application,
    reviewer: User,
    model: HostedModel,
    command: Command,
    run_queued_tasks: Callable[[], list[str]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    start = timezone.now()
    with (
        time_machine.travel(start, tick=False) as clock,
        django_capture_on_commit_callbacks(execute=True),
    ):
        DECISIONS[command](application, reviewer)
        clock.move_to(start + HOLD - timedelta(seconds=1))
        take_back_decision(application, by=reviewer)
        clock.move_to(start + HOLD)
        run_queued_tasks()
        assert (send_due(), mail.outbox) == (0, [])
    assert Notice.objects.get().state == NoticeState.WITHDRAWN
    application.refresh_from_db()
    assert (application.state, application.effective_at) == (ApplicationState.IN_REVIEW, None)
    assert set(application.grants.values_list("state", flat=True)) <= {GrantState.VOID}
    later = start + timedelta(days=1)
    answer = decide(application.applicant, model, Capability.PLAYGROUND, later)
    assert answer.code == Code.PENDING
    assert measure_waits(at=later) is None
    assert find_breaks() == []
    assert DECISIONS[command](application, reviewer).command == command


def test_what_was_told_is_not_taken_back(application: Application, reviewer: User) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        approve(application, reviewer)
        clock.move_to(start + HOLD)
        with pytest.raises(DomainError) as refusal:
            take_back_decision(application, by=reviewer)
    assert refusal.value.code == "hold_over"
    assert application.grants.get().state == GrantState.ACTIVE


def test_what_is_taken_back_twice_is_taken_back_once(
    application: Application, reviewer: User
) -> None:
    approve(application, reviewer)
    take_back_decision(Application.objects.get(pk=application.pk), by=reviewer)
    with pytest.raises(LostRace):
        take_back_decision(application, by=reviewer)


def test_a_grant_that_was_replaced_is_restored(
    application: Application, reviewer: User, model: HostedModel
) -> None:
    old = GrantFactory.create(user=application.applicant, model=model)
    approve(application, reviewer)
    new = application.grants.get()
    now = timezone.now()
    assert new.starts_at <= now  # No gap for a person who already has access.
    assert decide(application.applicant, model, Capability.PLAYGROUND, now).allowed
    take_back_decision(application, by=reviewer)
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.state, new.state) == (GrantState.ACTIVE, GrantState.VOID)
    assert decide(application.applicant, model, Capability.API, timezone.now()).allowed


def test_a_taken_back_grant_does_not_open_what_a_revocation_closed(
    signed_applicant: User, reviewer: User, model: HostedModel
) -> None:
    HostedModel.objects.filter(pk=model.pk).update(tier=Tier.SIGNATURE)
    model.refresh_from_db()
    GrantFactory.create(user=signed_applicant, model=model, state=GrantState.REVOKED)
    application = ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
    approve(application, reviewer)
    take_back_decision(application, by=reviewer)
    later = timezone.now() + timedelta(days=1)
    assert decide(signed_applicant, model, Capability.PLAYGROUND, later).code == Code.REVOKED
    assert not usable_models(signed_applicant, Capability.PLAYGROUND, later).exists()


def test_a_second_approval_is_taken_back_and_the_first_stands(reviewer: User) -> None:
    guarded = HostedModelFactory.create(tier=Tier.TWO_REVIEWERS)
    application = ApplicationFactory.create(models_wanted=[guarded])
    second = UserFactory.create(is_reviewer=True)
    ends_at = timezone.now() + timedelta(days=30)
    terms: dict[str, Any] = {
        "models": [guarded],
        "capabilities": [Capability.PLAYGROUND],
        "ends_at": ends_at,
    }
    approve_application(application, by=reviewer, **terms)
    approve_application(application, by=second, **terms)
    take_back_decision(application, by=second)
    assert approve_application(application, by=second, **terms).command == Command.APPROVE


def test_a_returned_application_is_not_changed_before_its_writer_knows(
    application: Application, reviewer: User, model: HostedModel, answers: Callable[..., Answers]
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        return_application(application, by=reviewer, note="Say more.")
        with pytest.raises(DomainError) as refusal:
            submit_application(application, by=application.applicant, answers=answers())
        clock.move_to(start + HOLD)
        submit_application(application, by=application.applicant, answers=answers())
    assert refusal.value.code == "application_pending"
    assert application.state == ApplicationState.SUBMITTED


def test_of_two_returns_the_second_is_taken_back_and_the_first_is_still_told(
    application: Application, reviewer: User, answers: Callable[..., Answers]
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        return_application(application, by=reviewer, note="Say more.")
        clock.move_to(start + HOLD)
        submit_application(application, by=application.applicant, answers=answers())
        return_application(application, by=reviewer, note="And more.")
        take_back_decision(application, by=reviewer)
        send_due()
    (told,) = [message for message in mail.outbox if "needs changes" in message.subject]
    assert told.body.count("\nSay more.\n") == 1


def test_a_notice_whose_decision_was_taken_back_behind_it_is_not_sent(
    application: Application, reviewer: User
) -> None:
    """The composer checks the decision itself, even if the outbox still has the message."""
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        reject_application(application, by=reviewer, reason="Commercial.")
        take_back_decision(application, by=reviewer)
        Notice.objects.update(state=NoticeState.QUEUED)
        clock.move_to(start + HOLD)
        assert (send_due(), mail.outbox) == (0, [])
    assert Notice.objects.get().state == NoticeState.WITHDRAWN


def test_what_was_told_by_a_clock_that_goes_fast_is_not_taken_back(
    application: Application, reviewer: User
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        reject_application(application, by=reviewer, reason="Commercial.")
        clock.move_to(start + HOLD)
        assert send_due() == 1
        clock.move_to(start)
        with pytest.raises(DomainError) as refusal:
            take_back_decision(application, by=reviewer)
    assert refusal.value.code == "hold_over"
