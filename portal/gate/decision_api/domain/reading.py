"""Applications and grants as a reviewer's program reads them; never the reviewer's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from django.utils import timezone

from portal.gate.access.domain.desk.queue import QueueFilter, find_applications
from portal.gate.access.enums import REVIEW_STATES, ApplicationState, GrantState
from portal.gate.access.models import Application, Grant
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

Row = TypeVar("Row", bound=Model)
STATUSES: Final[Mapping[str, tuple[ApplicationState, ...]]] = {
    "pending": REVIEW_STATES,
    "returned": (ApplicationState.RETURNED,),
    "accepted": (ApplicationState.APPROVED,),
    "refused": (ApplicationState.REJECTED,),
    "withdrawn": (ApplicationState.WITHDRAWN, ApplicationState.LAPSED),
}
"""The lists of applications, and the states that are in each."""


def list_applications(
    viewer: User, *, status: str | None, after: str | None, limit: int
) -> dict[str, Any]:
    """One page, in the order in which the applications were begun; three queries.

    `after` is the last case number of the previous page.
    """
    found = _applications(viewer, states=STATUSES[status] if status else ())
    if after:
        found = found.filter(pk__gt=_find(viewer, after, field="after").pk)
    return _page(found.order_by("pk"), limit=limit, describe=describe_application)


def find_application(viewer: User, case_number: str) -> Application:
    """One application; raises `DomainError` with code `not_found`, also for the viewer's own."""
    return _find(viewer, case_number)


def list_grants(
    viewer: User, *, state: GrantState | None, model: str | None, after: int | None, limit: int
) -> dict[str, Any]:
    """One page of grants, oldest first; one query. `after` is the last id of the previous page."""
    found = _grants(viewer)
    if state:
        found = found.filter(state=state)
    if model:
        found = found.filter(model__slug=model)
    if after:
        found = found.filter(pk__gt=after)
    return _page(found.order_by("pk"), limit=limit, describe=describe_grant)


def find_grant(viewer: User, grant_id: int) -> Grant:
    """One grant; raises `DomainError` with code `not_found`, also for the viewer's own."""
    grant = _grants(viewer).filter(pk=grant_id).first()
    if grant is None:
        raise DomainError(
            RefusalCode.NOT_FOUND, f"There is no grant {grant_id} that you may decide on."
        )
    return grant


def describe_application(application: Application) -> dict[str, Any]:
    """All that a reviewer reads; a command must name its `revision`."""
    now = timezone.now()
    claimant = application.claimant_at(now)
    return {
        "id": application.case_number,
        "object": "application",
        "state": application.state,
        "status": _status_of(application),
        "revision": application.revision,
        "submitted_at": _write(application.submitted_at),
        "decided_at": _write(application.decided_at),
        "told_at": _write(application.effective_at),
        "is_held": application.is_held(at=now),
        "is_endorsed": bool(getattr(application, "is_endorsed", False)),
        "claimed_by": claimant.name if claimant else None,
        "applicant": {
            "name": application.applicant_name,
            "email": application.applicant_email,
            "orcid": application.orcid or None,
            "is_orcid_verified": application.is_orcid_verified,
        },
        "affiliation": application.affiliation,
        "position": application.position,
        "sector": application.sector or None,
        "country": application.country,
        "homepage": application.homepage,
        "intended_use": application.intended_use,
        "models": sorted(model.slug for model in application.models_wanted.all()),
        "capabilities": sorted(application.capabilities),
        "data_handling": application.data_handling,
        "others_with_access": application.others_with_access,
    }


def describe_grant(grant: Grant) -> dict[str, Any]:
    """A grant, with the case number of its application."""
    return {
        "id": grant.pk,
        "object": "grant",
        "application": grant.application.case_number,
        "model": grant.model.slug,
        "state": grant.state,
        "revision": grant.revision,
        "capabilities": sorted(grant.capabilities),
        "starts_at": _write(grant.starts_at),
        "ends_at": _write(grant.ends_at),
        "reason": grant.reason,
    }


def _applications(viewer: User, *, states: tuple[str, ...] = ()) -> QuerySet[Application]:
    wanted = QueueFilter(states=states)
    found = find_applications(wanted, viewer=viewer, at=timezone.now())
    # Reviewers learn no more about their own application than other applicants: nothing here.
    return found.exclude(applicant=viewer).select_related("applicant", "claimed_by")


def _find(viewer: User, case_number: str, *, field: str | None = None) -> Application:
    application = _applications(viewer).filter(case_number=case_number).first()
    if application is None:
        raise DomainError(
            RefusalCode.NOT_FOUND, f"There is no application {case_number} that you may decide on.",
            field=field,
        )  # fmt: skip
    return application


def _grants(viewer: User) -> QuerySet[Grant]:
    found = Grant.objects.select_related("application", "model")
    return found.exclude(user=viewer).exclude(state=GrantState.VOID)


def _status_of(application: Application) -> str:
    return next(name for name, states in STATUSES.items() if application.state in states)


def _write(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _page(
    rows: QuerySet[Row], *, limit: int, describe: Callable[[Row], dict[str, Any]]
) -> dict[str, Any]:
    found = list(rows[: limit + 1])
    data = [describe(row) for row in found[:limit]]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(found) > limit,
    }
