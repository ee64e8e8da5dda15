"""The mail about a step, to the applicant and to reviewers."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.process.decisions import reapply_at
from portal.gate.access.domain.process.journey import expected_by
from portal.gate.access.domain.process.lapsing import lapses_at
from portal.gate.access.domain.process.versions import label_notes
from portal.gate.access.domain.workflow.mail import MAILED_COMMANDS, STEP_COMPOSER
from portal.gate.access.models import Ruling, Step
from portal.platform.notices.domain.outbox import Letter, register_composer
from portal.platform.notices.models import Notice

SUBJECTS = {
    "submit": "Your application {case} was received",
    "return": "Your application {case} needs changes",
    "approve": "Your application {case} is approved",
    "reject": "Your application {case} was not approved",
    "withdraw": "Your application {case} is withdrawn",
    "appeal": "Your appeal against the decision on {case} was received",
    "remind": "Reminder: your application {case} needs changes",
    "lapse": "Your application {case} is closed without an answer",
    "reopen": "Your application {case} is being reviewed again",
    "suspend": "Your access to {model} is suspended",
    "resume": "Your access to {model} is open again",
    "revoke": "Your access to {model} was revoked",
    "reviewers_submit": "To review: {case}",
    "reviewers_appeal": "Appeal: {case}",
    "reviewers_reopen": "Reopened: {case}",
    "reviewers_endorse": "A second reviewer is needed: {case}",
    "reviewers_withdraw": "Withdrawn: {case}",
}
"""Subjects by template in `templates/emails/access`."""

REVIEWERS = "reviewers_"


def compose_step(notice: Notice) -> Letter | None:
    """Write the mail about the step that `notice.data` names; None for a decision taken back.

    Runs in the sender's transaction, which marks the step as told. The decision is locked until
    its commit, so that it is either taken back or told, never both.
    """
    step_id, name = notice.data["step"], notice.kind.removeprefix("access.")
    ruling = Ruling.objects.select_for_update().filter(step=step_id).first()
    if ruling is not None and ruling.taken_back_at is not None:
        return None
    if not name.startswith(REVIEWERS):
        Step.objects.filter(pk=step_id).update(told_at=timezone.now())
    return _write(name, _fetch(step_id))


def preview_letter(decide: Callable[[], Step]) -> Letter | None:
    """The mail that a command would send to the applicant now; None if it would send none.

    The command itself runs, and is rolled back. Raises what it raises.
    """
    with transaction.atomic():
        step = decide()
        is_mailed = step.command in MAILED_COMMANDS
        letter = _write(str(step.command), _fetch(step.pk)) if is_mailed else None
        transaction.set_rollback(True)
    return letter


def _fetch(step_id: int) -> Step:
    return Step.objects.select_related(
        "application__applicant", "grant__model", "grant__user", "actor", "ruling"
    ).get(pk=step_id)


def _write(name: str, step: Step) -> Letter:
    application = step.application
    own_grants = application.grants.filter(lead=None).select_related("model")
    page = "console:application" if name.startswith(REVIEWERS) else "access:application"
    text = render_to_string(
        f"emails/access/{name}.txt",
        {
            "user": step.grant.user if step.grant else application.applicant,
            "step": step,
            "application": application,
            "grant": step.grant,
            "grants": list(own_grants.order_by("model__name")),
            "field_notes": label_notes(getattr(step, "ruling", None)),
            "reapply_at": reapply_at(application),
            "expected_by": expected_by(application),
            "lapses_at": lapses_at(application),
            "link": settings.SITE_URL + _path(page, step),
            "status_link": settings.SITE_URL + reverse("access:status"),
            "site_url": settings.SITE_URL,
        },
    )
    model = step.grant.model.name if step.grant else ""
    subject = SUBJECTS[name].format(case=application.case_number, model=model)
    return Letter(subject, text.strip() + "\n")


def _path(page: str, step: Step) -> str:
    """Team members cannot open the team's application: they get a link to their own access."""
    if step.grant and step.grant.lead_id:
        return reverse("access:status")
    return reverse(page, args=[step.application.case_number])


register_composer(STEP_COMPOSER, compose_step)
