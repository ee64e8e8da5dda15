"""The mail that goes with a step: to the applicant, and to those who review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from portal.access.domain.dispatch import ANNOUNCED_COMMANDS, MAILED_COMMANDS
from portal.access.domain.journey import expected_by
from portal.access.domain.rulings import reapply_at
from portal.access.domain.versions import label_notes
from portal.access.enums import Command
from portal.access.models import Application, Grant, Ruling, Step
from portal.accounts.models import User

SUBJECTS = {
    "submit": "We have your application {case}",
    "return": "Your application {case} needs changes",
    "approve": "Your application {case} is approved",
    "reject": "Your application {case} was not approved",
    "withdraw": "Your application {case} is withdrawn",
    "appeal": "We have your appeal against the decision on {case}",
    "remind": "Your application {case} waits for you",
    "reopen": "Your application {case} is reviewed again",
    "suspend": "Your access to {model} is suspended",
    "resume": "Your access to {model} is open again",
    "revoke": "Your access to {model} was revoked",
    "reviewers_submit": "To review: {case}",
    "reviewers_appeal": "An appeal: {case}",
    "reviewers_reopen": "Reopened: {case}",
    "reviewers_endorse": "A second reviewer is needed: {case}",
    "reviewers_withdraw": "Nothing to review any more: {case}",
}
"""By template in `templates/emails/access`."""

MISSED_AFTER = timedelta(minutes=2)
GIVE_UP_AFTER = timedelta(days=2)


@dataclass(frozen=True)
class Notice:
    """A message's subject and text."""

    subject: str
    text: str


@transaction.atomic
def mail_step(step_id: int) -> bool:
    """Tell the applicant of a step, once; answers whether this call sent it.

    The step is marked in the same transaction: a second call waits for the first, and a
    failure to send leaves the step unmarked, to be tried again.
    """
    now = timezone.now()
    # Locked, so that a decision is taken back or told, and never both.
    ruling = Ruling.objects.select_for_update().filter(step=step_id).first()
    if ruling is not None and not ruling.is_told(at=now):
        return False
    claimed = Step.objects.filter(
        pk=step_id, mailed_at=None, command__in=list(MAILED_COMMANDS)
    ).update(mailed_at=now)
    if claimed != 1:
        return False
    step = _fetch(step_id)
    applicant = step.application.applicant
    if step.application.submitted_at is None:
        # A draft that is thrown away is nobody's news.
        return False
    _send(step.command, step, to=[applicant.email])
    return True


@transaction.atomic
def announce_step(step_id: int) -> bool:
    """Tell the reviewers of a step, once; never the applicant, though a reviewer they be."""
    claimed = Step.objects.filter(
        pk=step_id, announced_at=None, command__in=list(ANNOUNCED_COMMANDS)
    ).update(announced_at=timezone.now())
    if claimed != 1:
        return False
    step = _fetch(step_id)
    reviewers = list(
        User.objects.filter(is_reviewer=True, is_active=True)
        .exclude(pk__in=[step.application.applicant_id, step.actor_id])
        .order_by("email")
        .values_list("email", flat=True)
    )
    if step.application.submitted_at is None or not reviewers:
        return False
    _send(f"reviewers_{step.command}", step, to=reviewers)
    return True


def find_unsent() -> list[int]:
    """Ids of steps whose mail should have left by now and is still worth sending."""
    now = timezone.now()
    steps = Step.objects.filter(at__lt=now - MISSED_AFTER, at__gt=now - GIVE_UP_AFTER)
    unsent = Q(mailed_at=None, command__in=list(MAILED_COMMANDS)) | Q(
        announced_at=None, command__in=list(ANNOUNCED_COMMANDS)
    )
    untold = Q(ruling__taken_back_at__isnull=False) | Q(ruling__effective_at__gt=now)
    return list(
        steps.exclude(untold).filter(unsent).order_by("at").values_list("pk", flat=True)[:200]
    )


def _fetch(step_id: int) -> Step:
    return Step.objects.select_related(
        "application__applicant", "grant__model", "actor", "ruling"
    ).get(pk=step_id)


def preview_notice(
    application: Application,
    command: Command,
    *,
    note: str,
    field_notes: Mapping[str, str] | None = None,
    grants: Sequence[Grant] = (),
) -> Notice:
    """The mail that an applicant would get if a reviewer decided so now; nothing is kept."""
    step = Step(application=application, command=command, note=note.strip(), at=timezone.now())
    ruling = Ruling(field_notes=dict(field_notes or {}))
    pause = timedelta(days=settings.REAPPLY_AFTER_DAYS)
    return _compose(
        str(command),
        step,
        field_notes=label_notes(ruling),
        grants=grants,
        reapplies_at=timezone.now() + pause,
    )


def _send(name: str, step: Step, *, to: list[str]) -> None:
    application = step.application
    notice = _compose(
        name,
        step,
        field_notes=label_notes(getattr(step, "ruling", None)),
        grants=list(application.grants.select_related("model").order_by("model__name")),
        reapplies_at=reapply_at(application),
    )
    EmailMessage(notice.subject, notice.text, to=to).send()


def _compose(
    name: str,
    step: Step,
    *,
    field_notes: Sequence[tuple[str, str]],
    grants: Sequence[Grant],
    reapplies_at: datetime | None,
) -> Notice:
    application = step.application
    page = "console:application" if name.startswith("reviewers_") else "access:application"
    text = render_to_string(
        f"emails/access/{name}.txt",
        {
            "user": application.applicant,
            "step": step,
            "application": application,
            "grant": step.grant,
            "grants": grants,
            "field_notes": field_notes,
            "reapply_at": reapplies_at,
            "expected_by": expected_by(application),
            "link": settings.SITE_URL + reverse(page, args=[application.case_number]),
            "status_link": settings.SITE_URL + reverse("access:status"),
            "site_url": settings.SITE_URL,
        },
    )
    model = step.grant.model.name if step.grant else ""
    subject = SUBJECTS[name].format(case=application.case_number, model=model)
    return Notice(subject, text.strip() + "\n")
