"""Every role, state and command of a renewal, carried out and compared with a committed table.

After a deliberate change of the rules, run this file with UPDATE_COMMAND_MATRIX=1 and read
the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from portal.gate.access.enums import Role
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.commands import TAGS, move_renewal
from portal.gate.renewals.domain.decisions import (
    approve_renewal,
    claim_renewal,
    refuse_renewal,
    release_renewal,
    return_renewal,
)
from portal.gate.renewals.domain.handing_in import hand_in_report, withdraw_renewal
from portal.gate.renewals.enums import REVIEW_STATES, RenewalCommand, RenewalState
from portal.gate.renewals.models import Renewal
from portal.gate.renewals.rules import RENEWAL_COMMANDS
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.renewals import REPORT, make_renewal
from tests.gate.renewals.conftest import END

pytestmark = pytest.mark.django_db
MATRIX = Path(__file__).with_name("command_matrix.txt")
ACTORS = (
    "holder",
    "holder who reviews",
    "reviewer",
    "reviewer who claimed",
    "reviewer beside the claim",
    "operator",
    "stranger",
)
LINE = "renewal | {:9} | {:25} | {:8} | {}"
FOLLOWING = {RenewalCommand.ENDORSE, RenewalCommand.LAPSE}
"""An approval that waits for another, and what the clock does."""

COMMANDS: Mapping[RenewalCommand, Callable[[Renewal, User], object]] = {
    RenewalCommand.SUBMIT: lambda row, by: hand_in_report(by, grants=[], answers=REPORT),
    RenewalCommand.WITHDRAW: lambda row, by: withdraw_renewal(row, by=by),
    RenewalCommand.CLAIM: lambda row, by: claim_renewal(row, by=by),
    RenewalCommand.RELEASE: lambda row, by: release_renewal(row, by=by),
    RenewalCommand.RETURN: lambda row, by: return_renewal(row, by=by, note="Say more."),
    RenewalCommand.APPROVE: lambda row, by: approve_renewal(
        row, by=by, ends_at=END + timedelta(days=100)
    ),
    RenewalCommand.REFUSE: lambda row, by: refuse_renewal(row, by=by, reason="Commercial."),
}


def _cast(holder: User) -> Iterator[tuple[str, User]]:
    for name in ACTORS:
        holder.is_reviewer = name == "holder who reviews"
        holder.save()
        if name.startswith("holder"):
            yield name, holder
        else:
            reviews = name.startswith("reviewer")
            yield name, UserFactory.create(is_reviewer=reviews, is_staff=name == "operator")


def _outcome(row: Renewal, call: Callable[[], object]) -> str:
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


def _lines(grant: Grant) -> Iterator[str]:
    somebody = UserFactory.create(is_reviewer=True)
    for state in RenewalState:
        renewal = make_renewal(grant, state)
        for name, actor in _cast(grant.user):
            claimed = {
                "reviewer who claimed": actor,
                "reviewer beside the claim": somebody,
            }.get(name)
            until = timezone.now() + timedelta(hours=1)
            Renewal.objects.filter(pk=renewal.pk).update(
                claimed_by=claimed if state in REVIEW_STATES else None,
                claim_ends_at=until if claimed and state in REVIEW_STATES else None,
            )
            for command, call in COMMANDS.items():
                row = Renewal.objects.get(pk=renewal.pk)
                yield LINE.format(state, name, command, _outcome(row, partial(call, row, actor)))
        Renewal.objects.filter(pk=renewal.pk).update(
            state=RenewalState.WITHDRAWN, submitted_at=timezone.now()
        )


def test_every_command_does_what_the_committed_matrix_says(
    clock: time_machine.Traveller, grant: Grant
) -> None:
    lines = list(_lines(grant))
    if "UPDATE_COMMAND_MATRIX" in os.environ:
        MATRIX.write_text("\n".join(lines) + "\n")
    assert lines == MATRIX.read_text().splitlines()


def test_every_command_of_the_table_is_carried_out_and_has_an_event() -> None:
    commands = {command for (_, _, command) in RENEWAL_COMMANDS}
    assert commands == {*COMMANDS, *FOLLOWING} == set(RenewalCommand) == set(TAGS)


def test_a_command_outside_of_a_transaction_is_a_mistake_of_the_program(
    transactional_db: None, grant: Grant
) -> None:
    renewal = make_renewal(grant, RenewalState.SUBMITTED)
    with pytest.raises(transaction.TransactionManagementError):
        move_renewal(renewal, RenewalCommand.WITHDRAW, by=renewal.holder, role=Role.APPLICANT)


def test_the_system_alone_acts_without_a_person(grant: Grant) -> None:
    renewal = make_renewal(grant, RenewalState.SUBMITTED)
    with pytest.raises(ValueError, match="only the system"), transaction.atomic():
        move_renewal(renewal, RenewalCommand.WITHDRAW, by=None, role=Role.APPLICANT)
