"""The end of a grant with weights: giving it back, stating destruction, owed statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Count, DateTimeField, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from portal.gate.access.capabilities import OWING_STATEMENT, owes_statement
from portal.gate.access.domain.rights.duration import give_grant_back
from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.domain.workflow.separation import require_role
from portal.gate.access.enums import HELD_STATES, GrantState, Role
from portal.gate.access.models import Grant, Step
from portal.gate.renewals.domain.handing_in import open_renewal, withdraw_renewal
from portal.gate.renewals.domain.holdings import list_holdings
from portal.gate.renewals.domain.mail import mail_holder, statement_link, status_link
from portal.gate.renewals.models import Statement, StatementRequest
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.each import do_each
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

PAUSE: Final = timedelta(days=14)
"""The site asks this long after an end, and again after the same time."""
MOST_REQUESTS: Final = 3
"""How often the site asks automatically, at most."""
REVIEWERS_PAUSE: Final = timedelta(days=7)
NEVER_BEGAN = (GrantState.VOID,)


@dataclass(frozen=True, kw_only=True)
class StatementAnswers:
    """Who makes the statement, and when the last copy was destroyed."""

    legal_name: str
    destroyed_on: date
    remarks: str = ""


def owed_grants(*, at: datetime) -> QuerySet[Grant]:
    """Ended grants with weights whose holder has not stated that no copy is left.

    Of each person and model only the newest counts, which continues earlier ones. See
    `over_since` for the end; `asked_at` is when the holder was last asked.
    """
    newer = (
        Grant.objects.filter(
            user=OuterRef("user"),
            model=OuterRef("model"),
            capabilities__overlap=OWING_STATEMENT,
        )
        .exclude(state__in=NEVER_BEGAN)
        .filter(
            Q(starts_at__gt=OuterRef("starts_at"))
            | Q(starts_at=OuterRef("starts_at"), pk__gt=OuterRef("pk"))
        )
    )
    newest_step = Step.objects.filter(grant=OuterRef("pk")).order_by("-at", "-pk")
    stopped_at = Subquery(newest_step.values("at")[:1], output_field=DateTimeField())
    asked = StatementRequest.objects.filter(grant=OuterRef("pk")).order_by("-at").values("at")[:1]
    is_over = Q(state__in=HELD_STATES, ends_at__lte=at) | ~Q(state__in=HELD_STATES)
    return (
        Grant.objects.filter(is_over, capabilities__overlap=OWING_STATEMENT)
        .filter(starts_at__lte=at, statement=None)
        .exclude(state__in=NEVER_BEGAN)
        .exclude(Exists(newer))
        .annotate(stopped_at=stopped_at, asked_at=Subquery(asked))
        .select_related("user", "model", "application")
    )


def over_since(grant: Grant) -> datetime:
    """When a grant of `owed_grants` ended: at its end, or when somebody ended it earlier."""
    stopped: datetime | None = getattr(grant, "stopped_at", None)
    if grant.state in HELD_STATES or stopped is None:
        return grant.ends_at
    return min(stopped, grant.ends_at)


@transaction.atomic
def give_back(grant: Grant, *, by: User, statement: StatementAnswers | None = None) -> Step:
    """End the holder's own grant now and for good; with weights, state that they are destroyed.

    An open renewal is withdrawn if it has no other grant left to renew. Raises
    `DomainError`: `not_your_grant`, `statement_missing`, and as `state_destruction`; `LostRace`.
    """
    require_role(by, Role.APPLICANT, owner_id=grant.user_id, what="grant")
    if owes_statement(grant.capabilities) and statement is None:
        raise DomainError(
            RefusalCode.STATEMENT_MISSING, "State first that the weights are destroyed."
        )
    # Lock in the order of an approval: first the grant, then the renewal, and the audit log last.
    list(Grant.objects.select_for_update().filter(pk=grant.pk))
    renewal = open_renewal(by)
    if renewal is not None:
        others = renewal.grants.filter(state=GrantState.ACTIVE).exclude(pk=grant.pk)
        if not others.exists():
            withdraw_renewal(renewal, by=by)
    step = give_grant_back(grant, by=by)
    if statement is not None and owes_statement(grant.capabilities):
        _write(grant, by=by, answers=statement)
    mail_holder("given_back", [grant], link=status_link(), values={"statement": statement})
    return step


@transaction.atomic
def state_destruction(grant: Grant, *, by: User, answers: StatementAnswers) -> Statement:
    """State, once, that the weights of an ended grant and all copies of them are destroyed.

    Raises `DomainError`: `not_your_grant`, `not_owed` (in force, or without weights),
    `text_missing`, `date_in_future`, `date_before_grant`, `already_stated`.
    """
    require_role(by, Role.APPLICANT, owner_id=grant.user_id, what="grant")
    if Statement.objects.filter(grant=grant).exists():
        raise _already_stated()
    if not owed_grants(at=timezone.now()).filter(pk=grant.pk).exists():
        raise DomainError(
            RefusalCode.NOT_OWED, "This access did not include weights, or has not ended."
        )
    made = _write(grant, by=by, answers=answers)
    mail_holder("statement", [grant], link=status_link(), values={"statement": made})
    return made


@transaction.atomic
def request_statement(grant: Grant, *, by: User | None) -> StatementRequest:
    """Ask a former holder by mail for their statement; `by` is None if it is automatic.

    Raises `DomainError`: `reviewers_only`, `own_grant`, `not_owed`, `account_closed`,
    `too_soon` (within a week of the last time).
    """
    now = timezone.now()
    if by is not None:
        require_role(by, Role.REVIEWER, owner_id=grant.user_id, what="grant")
    locked = Grant.objects.select_for_update().get(pk=grant.pk)
    owed = owed_grants(at=now).filter(pk=locked.pk).first()
    if owed is None:
        raise DomainError(RefusalCode.NOT_OWED, "No statement is owed for this access any more.")
    if not owed.user.is_active:
        raise DomainError(
            RefusalCode.ACCOUNT_CLOSED, "Their account is closed, so no mail reaches them."
        )
    last = StatementRequest.objects.filter(grant=owed).last()
    if last is not None and now < last.at + REVIEWERS_PAUSE:
        raise DomainError(
            RefusalCode.TOO_SOON,
            f"They were asked on {last.at:%d %B}. Wait a week before asking again.",
        )
    request = StatementRequest.objects.create(grant=owed, actor=by, at=now)
    record(AuditTag.STATEMENT_ASKED, actor=by, subject=f"grant:{owed.pk}")
    mail_holder(
        "ask_statement",
        [owed],
        link=statement_link(owed),
        values={"over_since": over_since(owed)},
    )
    return request


def request_owed_statements(*, at: datetime, limit: int) -> int:
    """Ask everybody whose statement is two weeks late, at most three times; return the number."""
    over_long = Q(state__in=HELD_STATES, ends_at__lte=at - PAUSE) | (
        ~Q(state__in=HELD_STATES) & Q(stopped_at__lte=at - PAUSE)
    )
    due = (
        owed_grants(at=at)
        .annotate(asked=Count("statement_requests", filter=Q(statement_requests__actor=None)))
        .filter(over_long, user__is_active=True, asked__lt=MOST_REQUESTS)
        .filter(Q(asked_at=None) | Q(asked_at__lte=at - PAUSE))
        .order_by("pk")
    )
    return sum(do_each(due[:limit], _ask_in_time, doing="request_statement"))


def _ask_in_time(grant: Grant) -> int:
    try:
        request_statement(grant, by=None)
    except DomainError:
        # Meanwhile, the holder has made the statement, or a reviewer has asked for it.
        return 0
    return 1


def _write(grant: Grant, *, by: User, answers: StatementAnswers) -> Statement:
    name = require_text(
        answers.legal_name, field="legal_name", message="Type your full legal name."
    )
    if answers.destroyed_on > timezone.now().date():
        raise DomainError(
            RefusalCode.DATE_IN_FUTURE, "The day must not be in the future.", field="destroyed_on"
        )
    if answers.destroyed_on < grant.starts_at.date():
        raise DomainError(
            RefusalCode.DATE_BEFORE_GRANT,
            "The day is before this access began.",
            field="destroyed_on",
        )
    try:
        with transaction.atomic():
            made = Statement.objects.create(
                grant=grant,
                legal_name=name,
                destroyed_on=answers.destroyed_on,
                remarks=answers.remarks.strip(),
                made_at=timezone.now(),
            )
    except IntegrityError as error:
        raise _already_stated() from error
    held = list_holdings([grant])[grant.pk]
    record(
        AuditTag.STATEMENT_MADE,
        actor=by,
        subject=f"grant:{grant.pk}",
        data={
            "destroyed_on": answers.destroyed_on.isoformat(),
            "commits": [holding.commit for holding in held],
        },
    )
    return made


def _already_stated() -> DomainError:
    return DomainError(RefusalCode.ALREADY_STATED, "You have already made this statement.")
