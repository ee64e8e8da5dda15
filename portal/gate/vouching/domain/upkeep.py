"""Periodic work: reminders, warnings before an authorisation ends, erasing old requests."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.gate.access.enums import REVIEW_STATES
from portal.gate.vouching.domain.domains import in_force
from portal.gate.vouching.domain.erasure import erase_vouchers, outdated_vouches
from portal.gate.vouching.domain.letters import DOMAIN_ENDS_KIND, REMIND_KIND
from portal.gate.vouching.domain.requests import post_letter
from portal.gate.vouching.enums import RequestState
from portal.gate.vouching.models import AuthorisedDomain, VouchRequest
from portal.platform.core.each import do_each

REMIND_AFTER: Final = timedelta(days=7)
WARN_BEFORE: Final = timedelta(days=30)
BATCH: Final = 200


def run_upkeep() -> None:
    """Do all steps once. Concurrent calls do each thing once."""
    do_each((remind_the_silent, warn_of_ends, forget), lambda step: step(), doing="tend_vouching")


def remind_the_silent() -> int:
    """Remind, once, each person who has had a link for a week; return the number reminded."""
    now = timezone.now()
    silent = VouchRequest.objects.filter(
        state=RequestState.ASKED,
        reminded_at=None,
        sent_at__lte=now - REMIND_AFTER,
        expires_at__gt=now,
        application__state__in=REVIEW_STATES,
    )
    return sum(do_each(_first(silent), partial(_remind, silent), doing="remind_voucher"))


def warn_of_ends() -> int:
    """Warn officials a month before their domain's year ends; return the number warned."""
    now = timezone.now()
    ending = in_force(at=now).filter(ends_at__lte=now + WARN_BEFORE, warned_at=None)
    return sum(do_each(_first(ending), partial(_warn, ending), doing="warn_official"))


def forget() -> int:
    """Erase the people asked about cases that were closed long ago; return the number erased."""
    outdated = list(outdated_vouches(at=timezone.now())[:BATCH])
    return sum(
        do_each(outdated, lambda row: erase_vouchers([row], actor=None), doing="erase_voucher")
    )


def _first(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _remind(silent: QuerySet[VouchRequest], pk: int) -> bool:
    rows = silent.select_for_update(skip_locked=True, of=("self",))
    request = rows.filter(pk=pk).select_related("application").first()
    if request is None:
        return False
    request.notice = post_letter(request, kind=REMIND_KIND)
    request.reminded_at = timezone.now()
    request.save(update_fields=["notice", "reminded_at"])
    return True


@transaction.atomic
def _warn(ending: QuerySet[AuthorisedDomain], pk: int) -> bool:
    rows = AuthorisedDomain.objects.select_for_update(skip_locked=True, of=("self",))
    # Lock first, then look: another run may have warned meanwhile.
    entry = rows.filter(pk=pk, warned_at=None).select_related("request__application").first()
    if entry is None or not ending.filter(pk=pk).exists():
        return False
    post_letter(entry.request, kind=DOMAIN_ENDS_KIND)
    entry.warned_at = timezone.now()
    entry.save(update_fields=["warned_at"])
    return True
