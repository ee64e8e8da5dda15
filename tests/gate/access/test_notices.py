from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.gate.access.domain.process.applications import (
    Answers,
    submit_application,
    withdraw_application,
)
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.domain.workflow.mail import dispatch_mail
from portal.gate.access.enums import ApplicationState, Capability, Command, GrantState
from portal.gate.access.models import Application, Step
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.gate.renewals.enums import RenewalCommand
from portal.platform.accounts.models import User
from portal.platform.notices.domain.sending import send_due
from portal.platform.notices.models import Notice
from tests.factories.access import ApplicationFactory, GrantFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.gate.access.conftest import sign

pytestmark = pytest.mark.django_db

RunTasks = Callable[[], list[str]]
Commit = DjangoCaptureOnCommitCallbacks
APPLICANT = "applicant@example.org"


@pytest.fixture(autouse=True)
def cast(db: None) -> tuple[User, User]:
    """Two reviewers, one of whom acts."""
    return tuple(  # type: ignore[return-value]
        UserFactory.create(is_reviewer=True, name=name, email=f"{name.lower()}@example.org")
        for name in ("Ann", "Ben")
    )


@pytest.fixture
def applicant(model: HostedModel) -> User:
    return sign(UserFactory.create(email=APPLICANT), model)


@pytest.fixture
def waiting(applicant: User, model: HostedModel) -> Application:
    return ApplicationFactory.create(
        applicant=applicant, models_wanted=[model], case_number="GH-2026-0042"
    )


def outbox() -> set[tuple[str, str]]:
    """Every message as recipient and subject; a repeated message would make the set smaller."""
    pairs = [(to, str(message.subject)) for message in mail.outbox for to in message.recipients()]
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
    draft = ApplicationFactory.create(
        applicant=applicant, is_draft=True, case_number="GH-2026-0042"
    )
    with django_capture_on_commit_callbacks(execute=True):
        submit_application(draft, by=applicant, answers=answers())
    assert run_queued_tasks() == ["portal.notices.send_notice"] * 3
    assert outbox() == {
        (APPLICANT, "Your application GH-2026-0042 was received"),
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
                ("ann@example.org", "Withdrawn: GH-2026-0042"),
                ("ben@example.org", "Withdrawn: GH-2026-0042"),
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
    guarded = HostedModelFactory.create(tier=Tier.TWO_REVIEWERS)
    application = ApplicationFactory.create(
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
    grant = GrantFactory.create(
        user=applicant, model=HostedModelFactory.create(name="Small"), state=state
    )
    with django_capture_on_commit_callbacks(execute=True):
        command(grant, by=cast[0], reason="Here is <why> & how.")
    run_queued_tasks()
    assert outbox() == {(APPLICANT, subject)}
    assert mail.outbox[0].body.count("\nHere is <why> & how.\n") == 1


def test_a_thrown_away_draft_is_nobodys_news(applicant: User) -> None:
    withdraw_application(
        ApplicationFactory.create(applicant=applicant, is_draft=True), by=applicant
    )
    assert Notice.objects.count() == 0


def test_a_reviewer_who_applies_is_not_called_to_their_own_application(
    cast: tuple[User, User], model: HostedModel
) -> None:
    application = ApplicationFactory.create(applicant=cast[0], models_wanted=[model])
    dispatch_mail(StepFactory.create(application=application))
    called = Notice.objects.filter(kind="access.reviewers_submit")
    assert [notice.recipient for notice in called] == [cast[1]]


def test_a_mail_is_committed_with_its_step_or_not_at_all(
    waiting: Application, cast: tuple[User, User]
) -> None:
    with transaction.atomic():
        reject_application(waiting, by=cast[0], reason="Commercial.")
        transaction.set_rollback(True)
    assert Notice.objects.count() == 0
    waiting.refresh_from_db()
    reject_application(waiting, by=cast[0], reason="Commercial.")
    assert Notice.objects.count() == 1


MAILS = {
    Command.SUBMIT: (1, 2),
    Command.WITHDRAW: (1, 2),
    Command.APPEAL: (1, 2),
    Command.CLAIM: (0, 0),
    Command.RELEASE: (0, 0),
    Command.HAND_OVER: (0, 0),
    Command.RETURN: (1, 0),
    Command.REMIND: (1, 0),
    Command.ENDORSE: (0, 2),
    Command.APPROVE: (1, 0),
    Command.REJECT: (1, 0),
    Command.LAPSE: (1, 0),
    Command.TAKE_BACK: (0, 0),
    Command.REOPEN: (1, 2),
    Command.SUSPEND: (1, 0),
    Command.RESUME: (1, 0),
    Command.REVOKE: (1, 0),
    Command.SUPERSEDE: (0, 0),
    Command.HALT: (0, 0),
    Command.END: (0, 0),
    Command.VOID: (0, 0),
    Command.RESTORE: (0, 0),
    Command.LEAVE: (0, 0),
    Command.EXTEND: (0, 0),
    Command.GIVE_BACK: (0, 0),
}
"""How many mails go to the applicant, and how many to the two reviewers."""


def test_every_command_has_its_count_of_mails(waiting: Application) -> None:
    """A new command without a count, or without a template, fails here and not in the queue."""
    grant = GrantFactory.create(user=waiting.applicant, application=waiting)
    counts = {}
    for command in Command:
        mail.outbox.clear()
        dispatch_mail(StepFactory.create(application=waiting, grant=grant, command=command))
        send_due()
        told = [message.to for message in mail.outbox]
        counts[command] = (told.count([APPLICANT]), len(told) - told.count([APPLICANT]))
    assert counts == MAILS


def test_an_approval_names_what_was_given(
    waiting: Application, cast: tuple[User, User], model: HostedModel
) -> None:
    approve(waiting, cast[0])
    assert send_due() == 1
    grant = waiting.grants.get()
    line = f"- {model.name}, until {grant.ends_at:%-d %B %Y}: playground"
    assert mail.outbox[0].body.splitlines().count(line) == 1
    assert waiting.state == ApplicationState.APPROVED


@pytest.mark.parametrize("command", [*Command, *RenewalCommand])
def test_what_happened_can_be_followed_by_who_did_it(command: Command | RenewalCommand) -> None:
    """Timelines and refusals say “First approval by Rita Reviewer”."""
    assert str(command.label).count(" by ") == 0
