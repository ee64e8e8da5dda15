"""What time brings: a reminder, a warning before a year ends, forgetting."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from portal.access.enums import REVIEW_STATES
from portal.vouching.domain.domains import in_force
from portal.vouching.domain.erasure import erase_vouchers, outdated_vouches
from portal.vouching.domain.letters import DOMAIN_ENDS_KIND, REMIND_KIND
from portal.vouching.domain.requests import post_letter
from portal.vouching.enums import RequestState
from portal.vouching.models import AuthorisedDomain, VouchRequest

REMIND_AFTER: Final = timedelta(days=7)
WARN_BEFORE: Final = timedelta(days=30)
BATCH: Final = 200


def tend() -> None:
    """Do all of it once. Any number of runs at a time do each thing once."""
    remind_the_silent()
    warn_of_ends()
    erase_vouchers(outdated_vouches(at=timezone.now())[:BATCH], actor=None)


@transaction.atomic
def remind_the_silent() -> int:
    """Remind, once for each person, who has had a link for a week; answers how many."""
    now = timezone.now()
    silent = VouchRequest.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        state=RequestState.ASKED,
        reminded_at=None,
        sent_at__lte=now - REMIND_AFTER,
        expires_at__gt=now,
        application__state__in=REVIEW_STATES,
    )
    requests = list(silent.select_related("application").order_by("pk")[:BATCH])
    for request in requests:
        request.notice = post_letter(request, kind=REMIND_KIND)
        request.reminded_at = now
        request.save(update_fields=["notice", "reminded_at"])
    return len(requests)


@transaction.atomic
def warn_of_ends() -> int:
    """Tell officials a month before that their domain's year ends; answers how many."""
    now = timezone.now()
    ending = in_force(at=now).filter(ends_at__lte=now + WARN_BEFORE, warned_at=None)
    rows = AuthorisedDomain.objects.select_for_update(skip_locked=True, of=("self",))
    entries = list(
        rows.filter(pk__in=ending.values("pk"), warned_at=None)
        .select_related("request__application")
        .order_by("pk")[:BATCH]
    )
    for entry in entries:
        post_letter(entry.request, kind=DOMAIN_ENDS_KIND)
        entry.warned_at = now
        entry.save(update_fields=["warned_at"])
    return len(entries)
