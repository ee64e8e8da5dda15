"""The mail that goes with a step: to the applicant, and to those who review."""

from __future__ import annotations

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from portal.access.domain.dispatch import STEP_COMPOSER
from portal.access.domain.journey import expected_by
from portal.access.models import Step
from portal.notices.domain.outbox import Letter, register_composer
from portal.notices.models import Notice

SUBJECTS = {
    "submit": "We have your application {case}",
    "return": "Your application {case} needs changes",
    "approve": "Your application {case} is approved",
    "reject": "Your application {case} was not approved",
    "withdraw": "Your application {case} is withdrawn",
    "suspend": "Your access to {model} is suspended",
    "resume": "Your access to {model} is open again",
    "revoke": "Your access to {model} was revoked",
    "reviewers_submit": "To review: {case}",
    "reviewers_endorse": "A second reviewer is needed: {case}",
    "reviewers_withdraw": "Nothing to review any more: {case}",
}
"""By template in `templates/emails/access`."""


def compose_step(notice: Notice) -> Letter:
    """Write the mail about the step that `notice.data` names, once all of it is committed."""
    step = _fetch(notice.data["step"])
    return _compose(notice.kind.removeprefix("access."), step)


def _fetch(step_id: int) -> Step:
    return Step.objects.select_related("application__applicant", "grant__model", "actor").get(
        pk=step_id
    )


def _compose(name: str, step: Step) -> Letter:
    application = step.application
    page = "console:application" if name.startswith("reviewers_") else "access:application"
    text = render_to_string(
        f"emails/access/{name}.txt",
        {
            "user": application.applicant,
            "step": step,
            "application": application,
            "grant": step.grant,
            "grants": application.grants.select_related("model").order_by("model__name"),
            "expected_by": expected_by(application),
            "link": settings.SITE_URL + reverse(page, args=[application.case_number]),
            "status_link": settings.SITE_URL + reverse("access:status"),
            "site_url": settings.SITE_URL,
        },
    )
    model = step.grant.model.name if step.grant else ""
    subject = SUBJECTS[name].format(case=application.case_number, model=model)
    return Letter(subject, text.strip() + "\n")


register_composer(STEP_COMPOSER, compose_step)
