"""The mails about renewals, ends and statements, posted in the transaction they report on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from portal.gate.access.models import Grant
from portal.gate.renewals.enums import DESK_COMMANDS, RenewalCommand
from portal.gate.renewals.models import RenewalStep
from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import post

SUBJECTS = {
    "submit": "Your report was received",
    "withdraw": "Your renewal is withdrawn",
    "return": "Your renewal needs changes",
    "approve": "Your access is renewed until {day}",
    "refuse": "Your renewal was not approved",
    "lapse": "Your renewal is closed without an answer",
    "reviewers_submit": "A renewal to review: {holder}",
    "reviewers_withdraw": "A renewal was withdrawn: {holder}",
    "reviewers_endorse": "A second reviewer is needed for a renewal: {holder}",
    "ends_soon": "Your access to {models} ends {when}",
    "ended": "Your access to {models} has ended",
    "given_back": "You have given back your access to {models}",
    "statement": "Your statement about {models} was received",
    "ask_statement": "Your statement about {models} is needed",
}
"""By template in `templates/emails/renewals`."""

TOLD_TO_HOLDER = frozenset(RenewalCommand) - {*DESK_COMMANDS, RenewalCommand.ENDORSE}
TOLD_TO_REVIEWERS = frozenset(
    {RenewalCommand.SUBMIT, RenewalCommand.WITHDRAW, RenewalCommand.ENDORSE}
)


def mail_step(step: RenewalStep) -> None:
    """Post one notice to each person that a step concerns, in the step's transaction.

    Reviewers get no mail about their own renewal or about their own steps.
    """
    renewal = step.renewal
    holder = renewal.holder
    about = f"renewal:{renewal.pk}"
    grants = list(renewal.grants.select_related("model").order_by("model__name"))
    values: dict[str, object] = {
        "step": step,
        "grants": grants,
        "holder": holder,
        "link": _link("renewals:renewal", renewal.pk),
    }
    day = f"{step.ends_at:%-d %B %Y}" if step.ends_at else ""
    if step.command in TOLD_TO_HOLDER:
        subject = SUBJECTS[step.command].format(day=day)
        _post(holder, step.command, subject, {**values, "user": holder}, about=about)
    if step.command in TOLD_TO_REVIEWERS:
        values["link"] = _link("console:renewal", renewal.pk)
        for reviewer in _reviewers(besides=[holder.pk, step.actor_id]):
            name = f"reviewers_{step.command}"
            subject = SUBJECTS[name].format(holder=holder.name)
            _post(reviewer, name, subject, values, about=about, may_wait=True)


def mail_holder(
    name: str,
    grants: Sequence[Grant],
    *,
    link: str,
    when: str = "",
    values: Mapping[str, object] | None = None,
) -> None:
    """Post one mail about grants of one person and one end, in the caller's transaction."""
    holder = grants[0].user
    models = _join([grant.model.name for grant in grants])
    context = {"user": holder, "grants": grants, "models": models, "link": link, **(values or {})}
    subject = SUBJECTS[name].format(models=models, when=when)
    _post(holder, name, subject, context, about=f"grant:{grants[0].pk}")


def status_link() -> str:
    return _link("access:status")


def statement_link(grant: Grant) -> str:
    return _link("renewals:statement", grant.pk)


def renew_link() -> str:
    return _link("renewals:renew")


def _post(
    to: User,
    name: str,
    subject: str,
    values: Mapping[str, object],
    *,
    about: str,
    may_wait: bool = False,
) -> None:
    context = {"site_url": settings.SITE_URL, "status_link": status_link(), **values}
    text = render_to_string(f"emails/renewals/{name}.txt", context)
    post(
        to,
        kind=f"renewals.{name}",
        subject=subject,
        body=text.strip() + "\n",
        about=about,
        may_wait=may_wait,
    )


def _reviewers(*, besides: Iterable[int | None]) -> list[User]:
    reviewers = User.objects.filter(is_reviewer=True, is_active=True)
    return list(reviewers.exclude(pk__in=[pk for pk in besides if pk]).order_by("email"))


def _link(name: str, *args: object) -> str:
    return settings.SITE_URL + reverse(name, args=args)


def _join(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
