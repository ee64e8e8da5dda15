"""What every page shows the signed-in person, read in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from portal.gate.access.domain.decide import MESSAGES
from portal.gate.access.enums import Code
from portal.gate.licensing.domain.reconsent import unmet_change
from portal.gate.licensing.models import LicenceVersion
from portal.platform.accounts.models import User
from portal.platform.core.compiled import CompiledQuery
from portal.platform.notices.domain.reading import unread_notices


@dataclass(frozen=True)
class Reconsent:
    """A changed licence to sign again, and what `decide` says after the deadline."""

    version: LicenceVersion
    ends_at: datetime
    is_over: bool

    @property
    def refusal(self) -> str:
        return MESSAGES[Code.LICENCE_OUTDATED][0]

    @property
    def label(self) -> str:
        return MESSAGES[Code.LICENCE_OUTDATED][1]


@dataclass(frozen=True)
class Masthead:
    """The number of unread notices, and the licence to sign again first."""

    unread_notices: int
    reconsent: Reconsent | None


def read_masthead(user: User, *, at: datetime) -> Masthead:
    """One query for people with nothing to sign again, and two for the others."""
    ((unread, change),) = _FACTS.rows(user=user.pk, at=at)
    return Masthead(unread, None if change is None else _describe(change, at=at))


def _describe(change: int, *, at: datetime) -> Reconsent:
    version = LicenceVersion.objects.select_related("licence").defer("text").get(pk=change)
    return Reconsent(version, version.grace_ends_at, is_over=version.grace_ends_at <= at)


def _facts(user: int, at: datetime) -> QuerySet[User, Any]:
    unread = unread_notices(user, at=at).order_by().values("recipient")
    return User.objects.filter(pk=user).values_list(
        Coalesce(Subquery(unread.annotate(count=Count("pk")).values("count")), Value(0)),
        Subquery(unmet_change(user_id=user, at=at).values("pk")),
    )


_FACTS = CompiledQuery(_facts, user=int, at=datetime)
