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

from portal.access.domain.applications import Answers, submit_application, withdraw_application
from portal.access.domain.grants import resume_grant, revoke_grant, suspend_grant
from portal.access.domain.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.access.enums import ApplicationState, Capability, Command, GrantState
from portal.access.models import Application, Grant
from portal.access.rules import APPLICATION_COMMANDS, GRANT_COMMANDS
from portal.accounts.models import User
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from tests.access.conftest import sign
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
MATRIX = Path(__file__).with_name("command_matrix.txt")
ACTORS = ("applicant", "applicant who reviews", "reviewer", "operator", "stranger")

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
    return {
        Command.SUBMIT: lambda row, by: submit_application(row, by=by, answers=answers()),
        Command.WITHDRAW: lambda row, by: withdraw_application(row, by=by),
        Command.RETURN: lambda row, by: return_application(row, by=by, note="Say more."),
        Command.APPROVE: lambda row, by: _approve(row, by, model),
        Command.REJECT: lambda row, by: reject_application(row, by=by, reason="Commercial."),
    }


GRANT_CALLS: dict[Command, Callable[[Grant, User], object]] = {
    Command.SUSPEND: lambda row, by: suspend_grant(row, by=by, reason="A question."),
    Command.RESUME: lambda row, by: resume_grant(row, by=by, reason="Answered."),
    Command.REVOKE: lambda row, by: revoke_grant(row, by=by, reason="Shared."),
}


def _cast(owner: User, model: HostedModel) -> Iterator[tuple[str, User]]:
    """Everybody in turn. All have signed, so that only the rules can refuse."""
    for name in ACTORS:
        owner.is_reviewer = name == "applicant who reviews"
        owner.save()
        yield (
            name,
            owner
            if name.startswith("applicant")
            else sign(
                UserFactory(is_reviewer=name == "reviewer", is_staff=name == "operator"), model
            ),
        )


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
    for state in ApplicationState:
        application = ApplicationFactory(applicant=owner, state=state)
        for name, actor in _cast(owner, model):
            for command, call in calls.items():
                outcome = _outcome(application, partial(call, application, actor))
                yield f"application | {state:9} | {name:21} | {command:8} | {outcome}"
        Application.objects.filter(pk=application.pk).update(state=ApplicationState.WITHDRAWN)
    for grant_state in GrantState:
        grant = GrantFactory(user=owner, state=grant_state)
        for name, actor in _cast(owner, model):
            for command, grant_call in GRANT_CALLS.items():
                outcome = _outcome(grant, partial(grant_call, grant, actor))
                yield f"grant       | {grant_state:9} | {name:21} | {command:8} | {outcome}"


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
    assert application_commands == {*_application_commands(answers, model), Command.ENDORSE}
    assert grant_commands == {*GRANT_CALLS, Command.SUPERSEDE}
    assert application_commands | grant_commands == set(Command)


def test_a_command_outside_of_a_transaction_is_a_mistake_of_the_program(
    transactional_db: None,
) -> None:
    from portal.access.domain.commands import move_application
    from portal.access.enums import Role

    application = ApplicationFactory()
    with pytest.raises(transaction.TransactionManagementError):
        move_application(
            application, Command.WITHDRAW, by=application.applicant, role=Role.APPLICANT
        )
