"""The people who hold weights, for reviewers, auditors and operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, Q, QuerySet, Sum

from portal.gate.access.enums import Capability
from portal.gate.access.models import Grant
from portal.library.weights.domain.fetching import WINDOW
from portal.library.weights.domain.holdings import Fetched, list_fetched
from portal.library.weights.domain.lookup import ROWS
from portal.library.weights.models import Download, Revision
from portal.platform.accounts.models import User

MONTH: Final = timedelta(days=30)
Pair = dict[str, int]


@dataclass(frozen=True)
class Holder:
    """A person, a revision, what they have of it, and their newest grant for it."""

    user: User
    revision: Revision
    fetched: Fetched
    grant: Grant


@dataclass(frozen=True)
class Total:
    """What was sent of one model."""

    model: str
    people: int
    day: int
    month: int
    ever: int


def list_holders(*, text: str = "", model: str = "") -> QuerySet[Download, Pair]:
    """Pairs `user` and `file__revision`, those with the latest download first."""
    found = Download.objects.order_by()
    if text:
        found = found.filter(Q(user__name__icontains=text) | Q(user__email__icontains=text))
    if model:
        found = found.filter(file__revision__repository__model__slug=model)
    return (
        found.values("user", "file__revision")
        .annotate(last_at=Max("started_at"))
        .order_by("-last_at", "user", "file__revision")
    )


def describe_holders(pairs: Sequence[Pair], *, at: datetime) -> list[Holder]:
    """The pairs of one page; four queries."""
    keys = [(pair["user"], pair["file__revision"]) for pair in pairs]
    users = User.objects.in_bulk([user for user, _ in keys])
    revisions = ROWS.in_bulk([revision for _, revision in keys])
    fetched = {(each.user_id, each.revision_id): each for each in list_fetched(keys)}
    grants = Grant.objects.begun(at=at).filter(
        user__in=users, capabilities__contains=[Capability.WEIGHTS]
    )
    newest = {(each.user_id, each.model_id): each for each in grants.order_by("starts_at", "pk")}
    return [
        Holder(
            users[user],
            revisions[revision],
            fetched[user, revision],
            newest[user, revisions[revision].repository.model.pk],
        )
        for user, revision in keys
    ]


def sum_downloads(*, at: datetime) -> list[Total]:
    """Totals of each model of which something was sent, largest first."""
    rows = (
        Download.objects.order_by()
        .values("file__revision__repository__model__name")
        .annotate(
            people=Count("user", distinct=True),
            ever=Sum("sent"),
            day=Sum("sent", filter=Q(started_at__gt=at - WINDOW), default=0),
            month=Sum("sent", filter=Q(started_at__gt=at - MONTH), default=0),
        )
        .order_by("-ever")
    )
    return [
        Total(
            row["file__revision__repository__model__name"],
            row["people"], row["day"], row["month"], row["ever"],
        )
        for row in rows
    ]  # fmt: skip
