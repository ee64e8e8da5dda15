"""Finding applications and grants for the reviewers' lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from django_countries import countries

from portal.gate.access.domain.workflow.working_days import Pace, judge_pace
from portal.gate.access.enums import REVIEW_STATES
from portal.gate.access.models import Application, Endorsement, Grant
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User

ORDERS: dict[str, tuple[str, ...]] = {
    "oldest": ("submitted_at", "pk"),
    "newest": ("-submitted_at", "-pk"),
    "name": ("applicant_name", "submitted_at", "pk"),
    "country": ("country", "submitted_at", "pk"),
}


@dataclass(frozen=True, kw_only=True)
class QueueFilter:
    """What to list; an empty value does not filter."""

    states: tuple[str, ...] = ()
    claim: str = ""
    model: str = ""
    country: str = ""
    text: str = ""
    order: str = "oldest"


def find_applications(wanted: QueueFilter, *, viewer: User, at: datetime) -> QuerySet[Application]:
    """Submitted applications; drafts are private to their authors.

    Each has `is_endorsed` (a first reviewer approved this submission), and its models with
    their releases prefetched.
    """
    endorsed = Endorsement.objects.filter(
        application=OuterRef("pk"), submitted_at=OuterRef("submitted_at")
    )
    models = Prefetch("models_wanted", HostedModel.objects.select_related("release"))
    found = Application.objects.filter(submitted_at__isnull=False)
    if wanted.states:
        found = found.filter(state__in=wanted.states)
    if wanted.claim:
        found = found.filter(_claimed(wanted.claim, viewer=viewer, at=at))
    if wanted.model:
        asked = HostedModel.objects.filter(applications=OuterRef("pk"), slug=wanted.model)
        found = found.filter(Exists(asked))
    if wanted.country:
        found = found.filter(country=wanted.country)
    if wanted.text:
        found = found.filter(
            Q(case_number__icontains=wanted.text)
            | Q(applicant_name__icontains=wanted.text)
            | Q(affiliation__icontains=wanted.text)
            | Q(applicant_email__icontains=wanted.text)
        )
    return (
        found.annotate(is_endorsed=Exists(endorsed))
        .select_related("claimed_by")
        .prefetch_related(models)
        .order_by(*ORDERS[wanted.order])
    )


def _claimed(claim: str, *, viewer: User, at: datetime) -> Q:
    live = Q(claim_ends_at__gt=at, claimed_by__isnull=False)
    match claim:
        case "mine":
            return live & Q(claimed_by=viewer)
        case "others":
            return live & ~Q(claimed_by=viewer)
        case _:
            return ~live


def find_grants(*, state: str = "", model: str = "", text: str = "") -> QuerySet[Grant]:
    """Grants, newest first."""
    found = Grant.objects.select_related("user", "model", "application")
    if state:
        found = found.filter(state=state)
    if model:
        found = found.filter(model__slug=model)
    if text:
        found = found.filter(
            Q(user__name__icontains=text)
            | Q(user__email__icontains=text)
            | Q(application__case_number__icontains=text)
            | Q(application__affiliation__icontains=text)
        )
    return found.order_by(F("starts_at").desc(), "-pk")


def list_countries() -> list[tuple[str, str]]:
    """The countries that applications have come from, by name."""
    codes = (
        Application.objects.filter(submitted_at__isnull=False)
        .order_by("country")
        .values_list("country", flat=True)
        .distinct()
    )
    return sorted(((code, str(countries.name(code))) for code in codes), key=lambda row: row[1])


def pace_of(application: Application, *, at: datetime) -> Pace | None:
    """How a waiting application compares with the promised days; None if it does not wait.

    Reads `models_wanted` and their releases: prefetch them for a list.
    """
    if application.state not in REVIEW_STATES or application.submitted_at is None:
        return None
    return judge_pace(application.submitted_at, review_days=promised_days(application), at=at)


def promised_days(application: Application) -> int:
    """The longest wait that the releases concerned promise, in working days; reads what
    `pace_of` does.
    """
    days = [model.release.review_days for model in application.models_wanted.all()]
    return max(days, default=5)
