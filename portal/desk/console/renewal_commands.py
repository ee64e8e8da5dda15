"""A reviewer's commands on one renewal, and the context of its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils import timezone

from portal.desk.console.forms.decisions import DecisionForm
from portal.desk.console.forms.renewals import make_form
from portal.desk.console.review_commands import ReviewCommand
from portal.gate.access.enums import Role
from portal.gate.access.models import Application
from portal.gate.catalog.enums import Tier
from portal.gate.renewals.domain.decisions import (
    approve_renewal,
    claim_renewal,
    current_endorsements,
    refuse_renewal,
    release_renewal,
    return_renewal,
    waits_for_second,
)
from portal.gate.renewals.domain.history import list_history
from portal.gate.renewals.enums import RenewalCommand, RenewalState
from portal.gate.renewals.models import Renewal, RenewalStep
from portal.gate.renewals.rules import renewal_commands
from portal.platform.accounts.models import User

RENEWAL_COMMANDS: Final[Mapping[str, ReviewCommand[RenewalStep]]] = {
    RenewalCommand.CLAIM: ReviewCommand(claim_renewal, "You have claimed this renewal for a day."),
    RenewalCommand.RELEASE: ReviewCommand(release_renewal, "You have released this renewal."),
    RenewalCommand.RETURN: ReviewCommand(return_renewal, "Returned to {name} with your note."),
    RenewalCommand.APPROVE: ReviewCommand(approve_renewal, "{name} has access until {day}."),
    RenewalCommand.REFUSE: ReviewCommand(
        refuse_renewal,
        "Refused. {name} sees your reason. Access continues until its end date.",
    ),
}
ENDORSED = "Your approval is recorded. A second reviewer must agree."


def describe_done(step: RenewalStep) -> str:
    """The message to the reviewer after a command."""
    is_first = step.command == RenewalCommand.ENDORSE
    text = ENDORSED if is_first else RENEWAL_COMMANDS[step.command].done
    day = f"{step.ends_at:%-d %B %Y}" if step.ends_at else ""
    return text.format(name=step.renewal.holder.name, day=day)


def describe_renewal(
    renewal: Renewal,
    *,
    viewer: User,
    command: RenewalCommand | None = None,
    form: DecisionForm | None = None,
) -> dict[str, object]:
    """The template's context; `form` is the submitted form of `command`."""
    now = timezone.now()
    is_own = renewal.holder_id == viewer.pk
    claimant = renewal.claimant_at(now)
    is_free = claimant is None or claimant.pk == viewer.pk
    is_mine = claimant is not None and is_free
    offered = [
        named
        for named in renewal_commands(RenewalState(renewal.state), Role.REVIEWER)
        if named in RENEWAL_COMMANDS
        and is_free
        and not is_own
        and (is_mine or named != RenewalCommand.RELEASE)
    ]
    forms = {str(named): make_form(named, renewal) for named in offered}
    if command is not None and form is not None:
        forms[str(command)] = form
    grants = list(
        renewal.grants.select_related("model", "application").order_by("model__name", "pk")
    )
    reports = list(renewal.reports.order_by("-number"))
    return {
        "renewal": renewal,
        "report": reports[0] if reports else None,
        "earlier_reports": reports[1:],
        "grants": grants,
        "cases": Application.objects.filter(grants__in=grants).distinct(),
        "history": list_history(renewal, viewer=viewer),
        "endorsements": current_endorsements(renewal),
        "two_reviewers": [g.model for g in grants if g.model.tier == Tier.TWO_REVIEWERS],
        "waits_for_second": waits_for_second(renewal, grants, by=viewer),
        "is_own": is_own,
        "claimant": claimant,
        "is_mine": is_mine,
        "offered": [str(named) for named in offered],
        "forms": forms,
        "open_command": str(command) if command else "",
        "open_form": form,
        "now": now,
    }
