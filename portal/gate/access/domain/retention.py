"""How long applications are kept: untouched drafts, and cases closed long ago."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import OuterRef, ProtectedError, Subquery

from portal.gate.access.domain.erasure import erase_cases
from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Application, Step
from portal.platform.core.each import do_each

log = structlog.get_logger(__name__)
CLOSED_STATES = (
    ApplicationState.REJECTED,
    ApplicationState.WITHDRAWN,
    ApplicationState.LAPSED,
)
"""Cases that ended without access."""


def delete_drafts(*, untouched_since: datetime, limit: int) -> int:
    """Delete drafts never submitted and not saved since a moment; return the number."""
    old = Application.objects.filter(state=ApplicationState.DRAFT, saved_at__lt=untouched_since)
    chosen = old.order_by("pk").values_list("pk", flat=True)[:limit]
    return sum(
        do_each(
            chosen,
            lambda pk: _delete_draft(pk, untouched_since=untouched_since),
            doing="delete_draft",
        )
    )


def closed_cases(*, closed_before: datetime, limit: int) -> list[Application]:
    """Refused, withdrawn and lapsed cases not yet erased, whose last step was before a moment."""
    last = Step.objects.filter(application=OuterRef("pk"), grant=None).order_by("-at", "-pk")
    found = (
        Application.objects.filter(state__in=CLOSED_STATES, erased_at=None)
        .annotate(last_step_at=Subquery(last.values("at")[:1]))
        .filter(last_step_at__lt=closed_before)
    )
    return list(found.order_by("pk")[:limit])


@transaction.atomic
def erase_case(
    application: Application,
    *,
    as_name: Callable[[int], str],
    as_email: Callable[[int], str],
) -> bool:
    """Erase what was written in one closed case; False if it moved or was erased meanwhile."""
    same = Application.objects.select_for_update().filter(
        pk=application.pk, state__in=CLOSED_STATES, erased_at=None
    )
    if not same.exists():
        return False
    owner = application.applicant_id
    case = Application.objects.filter(pk=application.pk)
    erase_cases(case, as_name=as_name(owner), as_email=as_email(owner))
    return True


def _delete_draft(pk: int, *, untouched_since: datetime) -> int:
    try:
        with transaction.atomic():
            # The lock that saving takes: a draft saved at this moment is kept.
            draft = (
                Application.objects.select_for_update()
                .filter(pk=pk, state=ApplicationState.DRAFT, saved_at__lt=untouched_since)
                .first()
            )
            if draft is None:
                return 0
            draft.delete()
    except ProtectedError:
        # Other rows that are kept for their own time refer to it.
        log.warning("draft_not_deleted", application_id=pk)
        return 0
    return 1
