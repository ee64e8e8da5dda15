"""People who have not signed a changed licence again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import (
    Exists,
    F,
    Model,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    prefetch_related_objects,
)
from django.db.models.functions import Cast, Concat

from portal.gate.access.domain.reconsent.announcements import ABOUT, KINDS
from portal.gate.access.models import Grant
from portal.gate.licensing.domain.reconsent import changes_in_force
from portal.gate.licensing.domain.signing import GRACE_END
from portal.gate.licensing.models import LicenceVersion, Signature
from portal.platform.notices.models import Notice


@dataclass(frozen=True, kw_only=True)
class OutdatedFilter:
    """What to list; an empty value does not filter. `state` is `holds` or `over`."""

    licence: str = ""
    state: str = ""
    has_access: bool = False
    text: str = ""


@dataclass(frozen=True)
class Outdated:
    """A person's newest signature, which a later change outdates or has outdated.

    `version` is the newest one to sign; `ends_at` is the end of grace of the first one.
    """

    signature: Signature
    version: LicenceVersion
    ends_at: datetime
    grants: tuple[Grant, ...]
    told_at: datetime | None
    is_over: bool
    days_left: int


def find_outdated(wanted: OutdatedFilter, *, at: datetime) -> QuerySet[Signature]:
    """The newest signatures of active people that a change in force outdates.

    Those that end first come first. Read them with `describe_outdated`.
    """
    of_licence = {
        "licence": OuterRef("version__licence"),
        "number__gt": OuterRef("version__number"),
    }
    changes = changes_in_force(at=at).filter(**of_licence)
    newer = Signature.objects.filter(
        user=OuterRef("user"),
        version__licence=OuterRef("version__licence"),
        version__number__gt=OuterRef("version__number"),
    )
    ends = changes.annotate(end=GRACE_END).order_by("end").values("end")
    told = Notice.objects.filter(
        recipient=OuterRef("user"),
        kind__in=KINDS,
        about=Concat(Value(ABOUT), Cast(OuterRef("change"), TextField())),
    )
    found = (
        Signature.objects.filter(Exists(changes), ~Exists(newer), user__is_active=True)
        .annotate(change=Subquery(changes.order_by("-number").values("pk")[:1]))
        .annotate(
            ends_at=Subquery(ends[:1]),
            told_at=Subquery(told.order_by("-created_at").values("created_at")[:1]),
        )
        .select_related("user", "version__licence")
        .defer("text", "version__text")
    )
    return _narrow(found, wanted, at=at).order_by(F("ends_at"), "user__name", "pk")


def describe_outdated(signatures: Iterable[Signature], *, at: datetime) -> list[Outdated]:
    """The rows of what `find_outdated` found, in two queries for any number of them."""
    rows = list(signatures)
    live = Grant.objects.in_force(at=at).select_related("model__release").order_by("model__name")
    prefetch_related_objects(rows, Prefetch("user__grants", live, to_attr="live_grants"))
    versions = LicenceVersion.objects.defer("text").in_bulk({_read(row, "change") for row in rows})
    return [_describe(row, versions[_read(row, "change")], at=at) for row in rows]


def _narrow(
    found: QuerySet[Signature], wanted: OutdatedFilter, *, at: datetime
) -> QuerySet[Signature]:
    if wanted.licence:
        found = found.filter(version__licence__slug=wanted.licence)
    if wanted.state:
        found = found.filter(Q(ends_at__gt=at) if wanted.state == "holds" else Q(ends_at__lte=at))
    if wanted.has_access:
        licence = {"model__release__licence": OuterRef("version__licence")}
        found = found.filter(
            Exists(Grant.objects.in_force(at=at).filter(user=OuterRef("user"), **licence))
        )
    if wanted.text:
        found = found.filter(
            Q(user__name__icontains=wanted.text)
            | Q(user__email__icontains=wanted.text)
            | Q(legal_name__icontains=wanted.text)
            | Q(entity_name__icontains=wanted.text)
        )
    return found


def _describe(signature: Signature, version: LicenceVersion, *, at: datetime) -> Outdated:
    ends_at = _read(signature, "ends_at")
    return Outdated(
        signature=signature,
        version=version,
        ends_at=ends_at,
        grants=tuple(
            grant
            for grant in _read(signature.user, "live_grants")
            if grant.model.release.licence_id == version.licence_id
        ),
        told_at=_read(signature, "told_at"),
        is_over=ends_at <= at,
        days_left=max(0, ceil((ends_at - at) / timedelta(days=1))),
    )


def _read(row: Model, annotation: str) -> Any:  # noqa: ANN401 -- as many types as annotations
    return getattr(row, annotation)
