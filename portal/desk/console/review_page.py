"""The context of a reviewer's page about one application."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from portal.desk.console.forms.decisions import DecisionForm
from portal.desk.console.forms.remarks import make_remark_form
from portal.desk.console.review_commands import REVIEW_COMMANDS, flags_of, make_form
from portal.gate.access.domain.desk.dossier import gather_dossier
from portal.gate.access.domain.desk.queue import pace_of
from portal.gate.access.domain.desk.replies import list_replies
from portal.gate.access.domain.process.endorsements import current_endorsements, open_models
from portal.gate.access.domain.process.history import list_history
from portal.gate.access.domain.process.journey import expected_by
from portal.gate.access.domain.process.remarks import list_remarks
from portal.gate.access.domain.process.versions import compare_versions
from portal.gate.access.domain.screening.denylist import find_denials
from portal.gate.access.domain.workflow.separation import deciders, nearness, shares_domain
from portal.gate.access.enums import HELD_COMMANDS, ApplicationState, Command, Role
from portal.gate.access.models import Application
from portal.gate.access.rules import application_commands
from portal.gate.catalog.enums import Tier
from portal.gate.teams.domain.team_view import list_members
from portal.gate.vouching.domain.facts import list_vouches
from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import Letter


@dataclass(frozen=True)
class Shown:
    """A command's submitted form and, for a preview, the mail that would be sent."""

    command: Command
    form: DecisionForm
    letter: Letter | None = None
    is_preview: bool = False


def describe_review(
    application: Application, *, viewer: User, shown: Shown | None
) -> dict[str, object]:
    """The template's context; the number of queries does not grow with the history."""
    now = timezone.now()
    is_own = application.applicant_id == viewer.pk
    near = nearness(application.applicant_id, viewer)
    claimant = application.claimant_at(now)
    open_to_role = application_commands(ApplicationState(application.state), Role.REVIEWER)
    is_held = application.is_held(at=now)
    offered = [
        command
        for command in open_to_role
        if not (is_own or near)
        and _is_offered(command, is_held=is_held, claimant=claimant, viewer=viewer)
    ]
    has_decided = bool(application.appealed_at or Command.REOPEN in offered) and (
        viewer.pk in deciders(application, before=application.appealed_at)
    )
    models = list(application.models_wanted.select_related("release"))
    versions = list(application.versions.order_by("-number")[:2])
    return {
        "application": application,
        "models_wanted": models,
        "pace": pace_of(application, at=now),
        "expected_by": expected_by(application),
        "history": list_history(application, viewer=viewer),
        "remarks": list_remarks(application, viewer=viewer),
        "remark_form": None if is_own or near else make_remark_form(application, viewer),
        "dossier": (dossier := gather_dossier(application)),
        "facts": [*dossier.facts, *list_vouches(application, at=now)],
        "flags": flags_of(application),
        "denials": find_denials(application, at=now),
        "changes": compare_versions(versions[1], versions[0]) if len(versions) == 2 else None,
        "versions": versions,
        "endorsements": current_endorsements(application)
        .select_related("reviewer")
        .prefetch_related("models_endorsed"),
        "two_reviewers": [model for model in models if model.tier == Tier.TWO_REVIEWERS],
        "members": list_members(application, at=now),
        "nearness": near,
        "is_own": is_own,
        "is_held": is_held,
        "shares_domain": not is_own and shares_domain(application, viewer),
        "has_decided": has_decided,
        "claimant": claimant,
        "is_mine": claimant is not None and claimant.pk == viewer.pk,
        "waits_for_second": not open_models(application, by=viewer).exists(),
        "can_decide": Command.APPROVE in offered and not (has_decided and application.appealed_at),
        "offered": [str(command) for command in offered],
        "forms": _forms(offered, application, viewer, shown),
        "replies": {
            str(command): [
                (reply, reply.fill(name=application.applicant_name, case=application.case_number))
                for reply in list_replies(command)
            ]
            for command in HELD_COMMANDS
            if command in offered
        },
        "shown": shown,
        "open_command": str(shown.command) if shown else "",
        "now": now,
    }


def _is_offered(command: Command, *, is_held: bool, claimant: User | None, viewer: User) -> bool:
    if command == Command.TAKE_BACK:
        return is_held
    if command in (Command.REOPEN, Command.REMIND):
        return not is_held
    if command in (Command.RELEASE, Command.HAND_OVER):
        return claimant is not None and claimant.pk == viewer.pk
    return command in REVIEW_COMMANDS and (claimant is None or claimant.pk == viewer.pk)


def _forms(
    offered: list[Command], application: Application, viewer: User, shown: Shown | None
) -> dict[str, DecisionForm]:
    forms = {str(command): make_form(command, application, viewer) for command in offered}
    if shown is not None:
        forms[str(shown.command)] = shown.form
    return forms
