"""A reviewer's commands on one application: the form and the domain call of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from django.http import QueryDict
from django.utils import timezone

from portal.desk.console.forms.decisions import (
    ApproveForm,
    DecisionForm,
    HandOverForm,
    RejectForm,
    ReopenForm,
    ReturnForm,
    propose_terms,
)
from portal.gate.access.domain.desk.claims import (
    claim_application,
    hand_over_application,
    possible_receivers,
    release_application,
)
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.endorsements import current_endorsements, open_models
from portal.gate.access.domain.process.reminders import remind_applicant
from portal.gate.access.domain.process.reopening import reopen_application
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.screening.flags import Flag, find_flags
from portal.gate.access.enums import Command
from portal.gate.access.models import Application, Step
from portal.platform.accounts.models import User

FORMS: Final[Mapping[Command, type[DecisionForm]]] = {
    Command.RETURN: ReturnForm,
    Command.REJECT: RejectForm,
    Command.REOPEN: ReopenForm,
}
"""The forms that need nothing but the revision."""


def make_form(
    command: Command, application: Application, viewer: User, data: QueryDict | None = None
) -> DecisionForm:
    """The command's form for this application and reviewer, bound if there is `data`."""
    initial = {"seen": application.revision}
    match command:
        case Command.APPROVE:
            terms = propose_terms(application, current_endorsements(application).first())
            return ApproveForm(
                data,
                application=application,
                open_models=open_models(application, by=viewer),
                has_concerns=bool(flags_of(application)),
                initial=terms,
                prefix=command,
            )
        case Command.HAND_OVER:
            receivers = possible_receivers(application, giver=viewer, at=timezone.now())
            return HandOverForm(data, receivers=receivers, initial=initial, prefix=command)
        case _:
            return FORMS.get(command, DecisionForm)(data, initial=initial, prefix=command)


def flags_of(application: Application) -> list[Flag]:
    """The flags that an approval of everything requested would have to override."""
    return find_flags(application, models=list(application.models_wanted.all()))


StepT = TypeVar("StepT")


@dataclass(frozen=True)
class ReviewCommand(Generic[StepT]):
    """A command's call, which takes the terms of its form, and the message afterwards."""

    carry_out: Callable[..., StepT]
    done: str


REVIEW_COMMANDS: Final[Mapping[Command, ReviewCommand[Step]]] = {
    Command.CLAIM: ReviewCommand(claim_application, "You have claimed {case} for 24 hours."),
    Command.RELEASE: ReviewCommand(
        release_application, "You have released {case}. Other reviewers can claim it."
    ),
    Command.HAND_OVER: ReviewCommand(hand_over_application, "You have handed over {case}."),
    Command.APPROVE: ReviewCommand(
        approve_application, "{case} is approved. {name} gets a mail {when} and can then begin."
    ),
    Command.RETURN: ReviewCommand(
        return_application, "{case} is returned with your notes. {name} gets a mail {when}."
    ),
    Command.REJECT: ReviewCommand(
        reject_application, "{case} is rejected. {name} gets a mail with the reason {when}."
    ),
    Command.TAKE_BACK: ReviewCommand(
        take_back_decision,
        "The decision on {case} is taken back. {name} was not notified.",
    ),
    Command.REOPEN: ReviewCommand(
        reopen_application, "{case} is in review again. {name} gets a mail."
    ),
    Command.REMIND: ReviewCommand(remind_applicant, "{name} gets a reminder about {case} by mail."),
}
ENDORSED = "Your approval of {case} is recorded. A second reviewer must agree before access opens."


def describe_done(step: Step, application: Application) -> str:
    """The message to the reviewer after a command."""
    command = Command(step.command)
    text = ENDORSED if command == Command.ENDORSE else REVIEW_COMMANDS[command].done
    held = application.effective_at
    when = f"at {held:%H:%M} UTC" if held and application.is_held(at=timezone.now()) else "now"
    return text.format(case=application.case_number, name=application.applicant_name, when=when)
