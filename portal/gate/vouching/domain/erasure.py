"""Erasing the people who were asked: their answer is kept, their identity and words are not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.gate.access.enums import OPEN_STATES
from portal.gate.vouching.domain.domains import in_force
from portal.gate.vouching.enums import DomainState, RequestState
from portal.gate.vouching.models import AuthorisedDomain, VouchRequest
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.notices.models import Notice


@transaction.atomic
def erase_vouchers(requests: Iterable[VouchRequest], *, actor: User | None) -> int:
    """Erase name, address, institution and words; return the number of rows erased.

    Their links stop working, unanswered requests are closed, letters to the address leave
    the outbox, and their authorisations of domains end.
    """
    wanted = sorted(request.pk for request in requests)
    rows = VouchRequest.objects.select_for_update().filter(pk__in=wanted, erased_at=None)
    erased = list(rows.order_by("pk"))
    now = timezone.now()
    for row in erased:
        Notice.objects.filter(address__iexact=row.email, data__request=row.pk).delete()
        row.name = row.email = row.institution = row.text = row.digest = ""
        row.erased_at, row.notice = now, None
        if row.state != RequestState.ANSWERED:
            row.state = RequestState.REPLACED
        row.save()
    domains = AuthorisedDomain.objects.filter(request__in=erased)
    domains.update(note="")
    domains.filter(state__in=[DomainState.PROPOSED, DomainState.CONFIRMED]).update(
        state=DomainState.WITHDRAWN, withdrawn_at=now
    )
    for row in erased:
        record(AuditTag.VOUCH_ERASED, actor=actor, subject=f"vouch:{row.pk}")
    return len(erased)


def erase_person_from_vouches(person: User, *, actor: User | None) -> None:
    """Erase whom an erased person named, what was said of them, and what they said of others.

    An official whose domain is authorised is kept without their words: they speak for others.
    """
    about = VouchRequest.objects.filter(application__applicant=person)
    about.update(text="")
    authorised = in_force(at=timezone.now()).values("request")
    erase_vouchers(about.exclude(pk__in=authorised), actor=actor)
    erase_vouchers(vouches_by(person.email), actor=actor)


def vouches_by(email: str) -> QuerySet[VouchRequest]:
    """The requests to somebody with this address."""
    return VouchRequest.objects.filter(email__iexact=email, erased_at=None)


def outdated_vouches(*, at: datetime) -> QuerySet[VouchRequest]:
    """Requests of closed applications to which nothing happened for VOUCH_RETENTION_DAYS.

    An official is kept as long as their domain is authorised.
    """
    before = at - timedelta(days=settings.VOUCH_RETENTION_DAYS)
    is_recent = Q(answered_at__gt=before) | Q(sent_at__gt=before) | Q(named_at__gt=before)
    old = VouchRequest.objects.filter(erased_at=None).exclude(is_recent)
    open_cases = old.filter(application__state__in=OPEN_STATES)
    authorised = in_force(at=at).values("request")
    return old.exclude(pk__in=open_cases.values("pk")).exclude(pk__in=authorised)
