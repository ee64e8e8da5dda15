from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.access import tasks
from portal.access.domain.applications import Answers, submit_application, withdraw_application
from portal.access.domain.grants import resume_grant, revoke_grant, suspend_grant
from portal.access.domain.notices import announce_step, find_unsent, mail_step
from portal.access.domain.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.access.enums import ApplicationState, Capability, Command, GrantState
from portal.access.models import Application, Step
from portal.accounts.models import User
from portal.catalog.enums import Tier
from portal.catalog.models import HostedModel
from tests.access.conftest import sign
from tests.factories.access import ApplicationFactory, GrantFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db

RunTasks = Callable[[], list[str]]
Commit = DjangoCaptureOnCommitCallbacks
APPLICANT = "applicant@example.org"


@pytest.fixture(autouse=True)
def cast(db: None) -> tuple[User, User]:
    """Two reviewers, one of whom acts."""
    return tuple(  # type: ignore[return-value]
        UserFactory(is_reviewer=True, name=name, email=f"{name.lower()}@example.org")
        for name in ("Ann", "Ben")
    )


@pytest.fixture
def applicant(model: HostedModel) -> User:
    return sign(UserFactory(email=APPLICANT), model)


@pytest.fixture
def waiting(applicant: User, model: HostedModel) -> Application:
    return ApplicationFactory(
        applicant=applicant, models_wanted=[model], case_number="GH-2026-0042"
    )


def outbox() -> set[tuple[str, str]]:
    """Every message as recipient and subject; a repeated one would shorten the set."""
    pairs = [(to, message.subject) for message in mail.outbox for to in message.recipients()]
    assert len(set(pairs)) == len(pairs)
    return set(pairs)


def approve(application: Application, by: User) -> Step:
    return approve_application(
        application,
        by=by,
        models=list(application.models_wanted.all()),
        capabilities=[Capability.PLAYGROUND],
        ends_at=timezone.now() + timedelta(days=30),
    )


def test_submitting_brings_a_receipt_and_calls_the_reviewers(
    applicant: User,
    answers: Callable[..., Answers],
    run_queued_tasks: RunTasks,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    draft = ApplicationFactory(applicant=applicant, is_draft=True, case_number="GH-2026-0042")
    with django_capture_on_commit_callbacks(execute=True):
        submit_application(draft, by=applicant, answers=answers())
    assert run_queued_tasks() == ["portal.access.mail_step", "portal.access.announce_step"]
    assert outbox() == {
        (APPLICANT, "We have your application GH-2026-0042"),
        ("ann@example.org", "To review: GH-2026-0042"),
        ("ben@example.org", "To review: GH-2026-0042"),
    }


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (
            lambda row, by: return_application(row, by=by, note="Say more."),
            {(APPLICANT, "Your application GH-2026-0042 needs changes")},
        ),
        (approve, {(APPLICANT, "Your application GH-2026-0042 is approved")}),
        (
            lambda row, by: reject_application(row, by=by, reason="Commercial."),
            {(APPLICANT, "Your application GH-2026-0042 was not approved")},
        ),
        (
            lambda row, by: withdraw_application(row, by=row.applicant),
            {
                (APPLICANT, "Your application GH-2026-0042 is withdrawn"),
                ("ann@example.org", "Nothing to review any more: GH-2026-0042"),
                ("ben@example.org", "Nothing to review any more: GH-2026-0042"),
            },
        ),
    ],
)
def test_every_step_of_an_application_is_told_once_to_whom_it_concerns(
    waiting: Application,
    cast: tuple[User, User],
    act: Callable[[Application, User], Step],
    expected: set[tuple[str, str]],
    run_queued_tasks: RunTasks,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        act(waiting, cast[0])
    run_queued_tasks()
    assert outbox() == expected


def test_a_first_approval_calls_the_other_reviewer_and_tells_the_applicant_nothing(
    applicant: User,
    cast: tuple[User, User],
    run_queued_tasks: RunTasks,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    guarded = HostedModelFactory(tier=Tier.TWO_REVIEWERS)
    application = ApplicationFactory(
        applicant=applicant, models_wanted=[guarded], case_number="GH-2026-0042"
    )
    with django_capture_on_commit_callbacks(execute=True):
        approve(application, cast[0])
    run_queued_tasks()
    assert outbox() == {("ben@example.org", "A second reviewer is needed: GH-2026-0042")}


@pytest.mark.parametrize(
    ("command", "state", "subject"),
    [
        (suspend_grant, GrantState.ACTIVE, "Your access to Small is suspended"),
        (resume_grant, GrantState.SUSPENDED, "Your access to Small is open again"),
        (revoke_grant, GrantState.ACTIVE, "Your access to Small was revoked"),
    ],
)
def test_every_change_of_a_grant_is_told_with_its_reason(
    applicant: User,
    cast: tuple[User, User],
    command: Callable[..., Step],
    state: GrantState,
    subject: str,
    run_queued_tasks: RunTasks,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    grant = GrantFactory(user=applicant, model=HostedModelFactory(name="Small"), state=state)
    with django_capture_on_commit_callbacks(execute=True):
        command(grant, by=cast[0], reason="Here is <why> & how.")
    run_queued_tasks()
    assert outbox() == {(APPLICANT, subject)}
    assert mail.outbox[0].body.count("\nHere is <why> & how.\n") == 1


def test_a_mail_leaves_once_however_often_the_task_runs(waiting: Application) -> None:
    step = StepFactory(application=waiting)
    assert [mail_step(step.pk) for _ in range(3)] == [True, False, False]
    assert [announce_step(step.pk) for _ in range(2)] == [True, False]
    assert len(mail.outbox) == 2


def test_a_mail_that_could_not_be_sent_is_sent_later(
    waiting: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = StepFactory(application=waiting)
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", _refuse)
        with pytest.raises(ConnectionRefusedError):
            mail_step(step.pk)
    assert mail_step(step.pk) is True
    assert len(mail.outbox) == 1


def _refuse(*_: object) -> int:
    raise ConnectionRefusedError


def test_a_thrown_away_draft_is_nobodys_news(applicant: User) -> None:
    draft = ApplicationFactory(applicant=applicant, is_draft=True)
    step = withdraw_application(draft, by=applicant)
    assert (mail_step(step.pk), announce_step(step.pk)) == (False, False)
    assert mail.outbox == []


def test_a_reviewer_who_applies_is_not_called_to_their_own_application(
    cast: tuple[User, User], model: HostedModel
) -> None:
    application = ApplicationFactory(applicant=cast[0], models_wanted=[model])
    announce_step(StepFactory(application=application).pk)
    assert [message.to for message in mail.outbox] == [["ben@example.org"]]


def test_what_the_queue_lost_is_found_after_two_minutes_and_given_up_after_two_days(
    waiting: Application, run_queued_tasks: RunTasks
) -> None:
    now = timezone.now()
    ages = (timedelta(0), timedelta(minutes=3), timedelta(days=3))
    _, missed, _ = (StepFactory(application=waiting, at=now - age) for age in ages)
    assert find_unsent() == [missed.pk]
    tasks.mail_missed_steps()
    assert run_queued_tasks() == ["portal.access.mail_step", "portal.access.announce_step"]
    assert find_unsent() == []
    assert len(mail.outbox) == 2


def test_every_command_has_its_mail_or_none_on_purpose(waiting: Application) -> None:
    """A new command without a template would fail here, not in the queue."""
    grant = GrantFactory(user=waiting.applicant, application=waiting)
    sent = {
        command: mail_step(StepFactory(application=waiting, grant=grant, command=command).pk)
        for command in Command
    }
    assert {command for command, was_sent in sent.items() if not was_sent} == {
        Command.CLAIM,
        Command.RELEASE,
        Command.HAND_OVER,
        Command.ENDORSE,
        Command.TAKE_BACK,
        Command.SUPERSEDE,
        Command.HALT,
        Command.END,
        Command.VOID,
        Command.RESTORE,
    }


def test_an_approval_names_what_was_given(
    waiting: Application, cast: tuple[User, User], model: HostedModel
) -> None:
    step = approve(waiting, cast[0])
    mail_step(step.pk)
    grant = waiting.grants.get()
    line = f"- {model.name}, until {grant.ends_at:%-d %B %Y}: playground"
    assert mail.outbox[0].body.splitlines().count(line) == 1
    assert waiting.state == ApplicationState.APPROVED
