"""A reviewer's commands on one application: the form and the domain call of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
from portal.gate.access.domain.process.notices import preview_letter
from portal.gate.access.domain.process.reminders import remind_applicant
from portal.gate.access.domain.process.reopening import reopen_application
from portal.gate.access.domain.process.reviews import (
    approve_application,
    reject_application,
    return_application,
)
from portal.gate.access.domain.screening.flags import Flag, find_flags
from portal.gate.access.enums import Capability, Command, ReasonCode
from portal.gate.access.models import Application, Step
from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import Letter


def make_form(
    command: Command, application: Application, viewer: User, data: QueryDict | None = None
) -> DecisionForm:
    """The command's form for this application and reviewer, bound if there is `data`."""
    initial: dict[str, object] = {"seen": application.revision}
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
        case Command.RETURN:
            return ReturnForm(data, initial=initial, prefix=command)
        case Command.REJECT:
            return RejectForm(data, initial=initial, prefix=command)
        case Command.REOPEN:
            return ReopenForm(data, initial=initial, prefix=command)
        case Command.HAND_OVER:
            receivers = possible_receivers(application, giver=viewer, at=timezone.now())
            return HandOverForm(data, receivers=receivers, initial=initial, prefix=command)
        case _:
            return DecisionForm(data, initial=initial, prefix=command)


def flags_of(application: Application) -> list[Flag]:
    """The flags that an approval of everything requested would have to override."""
    return find_flags(application, models=list(application.models_wanted.all()))


CarryOut = Callable[[Application, User, DecisionForm], Step]


@dataclass(frozen=True)
class ReviewCommand:
    """A command's call with its valid form, and the message afterwards."""

    carry_out: CarryOut
    done: str


def _approve(application: Application, by: User, form: DecisionForm) -> Step:
    assert isinstance(form, ApproveForm)  # noqa: S101 -- make_form pairs them
    return approve_application(
        application,
        by=by,
        ends_at=form.cleaned_data["ends_on"],
        models=list(form.cleaned_data["models"]),
        capabilities=[Capability(use) for use in form.cleaned_data["capabilities"]],
        note=form.cleaned_data["note"],
        override=form.cleaned_data.get("override", ""),
        seen=form.cleaned_data["seen"],
    )


def _return(application: Application, by: User, form: DecisionForm) -> Step:
    assert isinstance(form, ReturnForm)  # noqa: S101 -- make_form pairs them
    data = form.cleaned_data
    return return_application(
        application,
        by=by,
        note=data["note"],
        field_notes=form.field_notes(),
        reason_code=ReasonCode(data["reason_code"]) if data["reason_code"] else None,
        seen=data["seen"],
    )


def _reject(application: Application, by: User, form: DecisionForm) -> Step:
    data = form.cleaned_data
    return reject_application(
        application,
        by=by,
        reason=data["reason"],
        reason_code=ReasonCode(data["reason_code"]),
        seen=data["seen"],
    )


def _hand_over(application: Application, by: User, form: DecisionForm) -> Step:
    data = form.cleaned_data
    return hand_over_application(
        application, by=by, to=data["to"], note=data["note"], seen=data["seen"]
    )


def _reopen(application: Application, by: User, form: DecisionForm) -> Step:
    data = form.cleaned_data
    return reopen_application(application, by=by, reason=data["reason"], seen=data["seen"])


def _plainly(call: Callable[..., Step]) -> CarryOut:
    return lambda application, by, form: call(application, by=by, seen=form.cleaned_data["seen"])


REVIEW_COMMANDS: dict[Command, ReviewCommand] = {
    Command.CLAIM: ReviewCommand(
        _plainly(claim_application), "You have claimed {case} for 24 hours."
    ),
    Command.RELEASE: ReviewCommand(
        _plainly(release_application), "You have released {case}. Other reviewers can claim it."
    ),
    Command.HAND_OVER: ReviewCommand(_hand_over, "You have handed over {case}."),
    Command.APPROVE: ReviewCommand(
        _approve, "{case} is approved. {name} gets a mail {when} and can then begin."
    ),
    Command.RETURN: ReviewCommand(
        _return, "{case} is returned with your notes. {name} gets a mail {when}."
    ),
    Command.REJECT: ReviewCommand(
        _reject, "{case} is rejected. {name} gets a mail with the reason {when}."
    ),
    Command.TAKE_BACK: ReviewCommand(
        _plainly(take_back_decision),
        "The decision on {case} is taken back. {name} was not notified.",
    ),
    Command.REOPEN: ReviewCommand(_reopen, "{case} is in review again. {name} gets a mail."),
    Command.REMIND: ReviewCommand(
        _plainly(remind_applicant), "{name} gets a reminder about {case} by mail."
    ),
}
ENDORSED = "Your approval of {case} is recorded. A second reviewer must agree before access opens."


def describe_done(step: Step, application: Application) -> str:
    """The message to the reviewer after a command."""
    command = Command(step.command)
    text = ENDORSED if command == Command.ENDORSE else REVIEW_COMMANDS[command].done
    held = application.effective_at
    when = f"at {held:%H:%M} UTC" if held and application.is_held(at=timezone.now()) else "now"
    return text.format(case=application.case_number, name=application.applicant_name, when=when)


def preview(
    command: Command, application: Application, by: User, form: DecisionForm
) -> Letter | None:
    """The mail that the applicant would get, if any; `form` is valid.

    Raises what the command raises. `application` is out of date afterwards.
    """
    return preview_letter(lambda: REVIEW_COMMANDS[command].carry_out(application, by, form))
