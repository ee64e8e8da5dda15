"""Every role, state and command, carried out for real and compared with a committed table.

After a deliberate change of the rules, run this file with UPDATE_COMMAND_MATRIX=1 and read
the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.desk.claims import (
    claim_application,
    hand_over_application,
    release_application,
)
from portal.gate.access.domain.process.applications import (
    Answers,
    submit_application,
    withdraw_application,
)
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reminders import remind_applicant
from portal.gate.access.domain.process.reopening import appeal_decision, reopen_application
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.rights.duration import give_grant_back
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.enums import (
    REVIEW_STATES,
    ApplicationState,
    Capability,
    Command,
    GrantState,
    Role,
)
from portal.gate.access.models import DECIDED_STATES, Application, Grant
from portal.gate.access.rules import APPLICATION_COMMANDS, GRANT_COMMANDS
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.access import ApplicationFactory, GrantFactory, RulingFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import sign

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
FOLLOWING = {
    Command.SUPERSEDE,
    Command.HALT,
    Command.END,
    Command.VOID,
    Command.RESTORE,
    Command.LEAVE,
    Command.EXTEND,
}
"""What the system does to grants because of a command on their application, renewal or team."""
MATRIX = Path(__file__).with_name("command_matrix.txt")
ACTORS = (
    "applicant",
    "applicant who reviews",
    "reviewer",
    "reviewer who decided",
    "reviewer who claimed",
    "operator",
    "stranger",
)
HOLD = timedelta(minutes=10)
SITUATIONS: tuple[tuple[str, ApplicationState, bool], ...] = (
    *((str(state), state, False) for state in ApplicationState),
    *((f"{state}, held", ApplicationState(state), True) for state in DECIDED_STATES),
)
"""Every state, including those that the applicant has not been notified of yet."""
APPLICATION_LINE = "application | {:14} | {:21} | {:9} | {}"
GRANT_LINE = "grant       | {:14} | {:21} | {:9} | {}"

AnswersMaker = Callable[..., Answers]


def _approve(application: Application, by: User, model: HostedModel) -> None:
    application.models_wanted.set([model])
    approve_application(
        application,
        by=by,
        ends_at=timezone.now() + timedelta(days=30),
        models=[model],
        capabilities=[Capability.PLAYGROUND],
    )


def _application_commands(
    answers: AnswersMaker, model: HostedModel
) -> dict[Command, Callable[[Application, User], object]]:
    other = UserFactory.create(is_reviewer=True)
    return {
        Command.SUBMIT: lambda row, by: submit_application(row, by=by, answers=answers()),
        Command.WITHDRAW: lambda row, by: withdraw_application(row, by=by),
        Command.RETURN: lambda row, by: return_application(row, by=by, note="Say more."),
        Command.APPROVE: lambda row, by: _approve(row, by, model),
        Command.REJECT: lambda row, by: reject_application(row, by=by, reason="Commercial."),
        Command.APPEAL: lambda row, by: appeal_decision(row, by=by, text="Read the second page."),
        Command.CLAIM: lambda row, by: claim_application(row, by=by),
        Command.RELEASE: lambda row, by: release_application(row, by=by),
        Command.HAND_OVER: lambda row, by: hand_over_application(row, by=by, to=other),
        Command.REMIND: lambda row, by: remind_applicant(row, by=by),
        Command.TAKE_BACK: lambda row, by: take_back_decision(row, by=by),
        Command.REOPEN: lambda row, by: reopen_application(row, by=by, reason="A mistake."),
    }


GRANT_CALLS: dict[Command, Callable[[Grant, User], object]] = {
    Command.SUSPEND: lambda row, by: suspend_grant(row, by=by, reason="A question."),
    Command.RESUME: lambda row, by: resume_grant(row, by=by, reason="Answered."),
    Command.REVOKE: lambda row, by: revoke_grant(row, by=by, reason="Shared."),
    Command.GIVE_BACK: lambda row, by: give_grant_back(row, by=by),
}


def _cast(owner: User, model: HostedModel) -> Iterator[tuple[str, User]]:
    """Each person in turn. All have signed, so that only the rules can refuse."""
    for name in ACTORS:
        owner.is_reviewer = name == "applicant who reviews"
        owner.save()
        if name.startswith("applicant"):
            yield name, owner
        else:
            reviews = name.startswith("reviewer")
            yield (
                name,
                sign(UserFactory.create(is_reviewer=reviews, is_staff=name == "operator"), model),
            )


def _situate(owner: User, state: ApplicationState, *, is_held: bool, decider: User) -> Application:
    """An unclaimed application in a state, with a decision if the state needs one."""
    now = timezone.now()
    told_at = now + HOLD if is_held else now - HOLD
    application = ApplicationFactory.create(applicant=owner, state=state)
    if state in (*DECIDED_STATES, ApplicationState.APPEALED):
        command = {
            ApplicationState.RETURNED: Command.RETURN,
            ApplicationState.APPROVED: Command.APPROVE,
        }.get(state, Command.REJECT)
        step = StepFactory.create(
            application=application, actor=decider, command=command, at=told_at - timedelta(days=8)
        )
        RulingFactory.create(step=step, effective_at=told_at)
        application.effective_at = None if state == ApplicationState.APPEALED else told_at
    if state == ApplicationState.APPEALED:
        application.appealed_at = now
    application.save()
    return application


def _outcome(row: Application | Grant, call: Callable[[], object]) -> str:
    with transaction.atomic():
        try:
            with transaction.atomic():
                call()
            row.refresh_from_db()
            outcome = f"-> {row.state}"
        except DomainError as error:
            outcome = error.code
        transaction.set_rollback(True)
    row.refresh_from_db()
    return outcome


def _lines(model: HostedModel, owner: User, answers: AnswersMaker) -> Iterator[str]:
    calls = _application_commands(answers, model)
    decider = sign(UserFactory.create(is_reviewer=True), model)
    for situation, state, is_held in SITUATIONS:
        application = _situate(owner, state, is_held=is_held, decider=decider)
        for name, actor in _cast(owner, model):
            by = decider if name == "reviewer who decided" else actor
            claimed = by if name == "reviewer who claimed" and state in REVIEW_STATES else None
            until = timezone.now() + timedelta(hours=1) if claimed else None
            Application.objects.filter(pk=application.pk).update(
                claimed_by=claimed, claim_ends_at=until
            )
            for command, call in calls.items():
                row = Application.objects.get(pk=application.pk)
                outcome = _outcome(row, partial(call, row, by))
                yield APPLICATION_LINE.format(situation, name, command, outcome)
        Application.objects.filter(pk=application.pk).update(state=ApplicationState.WITHDRAWN)
    for grant_state in GrantState:
        grant = GrantFactory.create(user=owner, state=grant_state)
        for name, actor in _cast(owner, model):
            for command, grant_call in GRANT_CALLS.items():
                outcome = _outcome(grant, partial(grant_call, grant, actor))
                yield GRANT_LINE.format(grant_state, name, command, outcome)


def test_every_command_does_what_the_committed_matrix_says(
    model: HostedModel, signed_applicant: User, answers: AnswersMaker
) -> None:
    lines = list(_lines(model, signed_applicant, answers))
    if "UPDATE_COMMAND_MATRIX" in os.environ:
        MATRIX.write_text("\n".join(lines) + "\n")
    assert lines == MATRIX.read_text().splitlines()


def test_every_command_of_the_tables_is_carried_out_by_the_matrix(
    model: HostedModel, answers: AnswersMaker
) -> None:
    application_commands = {command for (_, _, command) in APPLICATION_COMMANDS}
    grant_commands = {command for (_, _, command) in GRANT_COMMANDS}
    assert application_commands == {
        *_application_commands(answers, model),
        Command.ENDORSE,
        Command.LAPSE,
    }
    assert grant_commands == {*GRANT_CALLS, *FOLLOWING}
    assert application_commands | grant_commands == set(Command)


def test_a_command_outside_of_a_transaction_is_a_mistake_of_the_program(
    transactional_db: None,
) -> None:
    from portal.gate.access.domain.workflow.commands import move_application

    application = ApplicationFactory.create()
    with pytest.raises(transaction.TransactionManagementError):
        move_application(
            application, Command.WITHDRAW, by=application.applicant, role=Role.APPLICANT
        )


def test_every_state_and_role_that_the_table_leaves_out_is_refused_by_the_matrix() -> None:
    """The committed matrix and the table agree on what a bystander cannot do."""
    moves = [line for line in MATRIX.read_text().splitlines() if "-> " in line]
    for line in moves:
        _, _, actor, command, _ = (part.strip() for part in line.split("|"))
        roles = {role for (_, role, named) in APPLICATION_COMMANDS if named == command}
        roles |= {role for (_, role, named) in GRANT_COMMANDS if named == command}
        assert {"applicant": Role.APPLICANT, "reviewer": Role.REVIEWER}[actor.split()[0]] in roles
