"""A download from its first byte to its end, and the limits on a person's downloads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Min, Q, QuerySet, Sum, When
from django.utils import timezone

from portal.gate.access.domain.decide import decide
from portal.gate.access.enums import Capability
from portal.gate.access.models import Grant
from portal.gate.keys.models import ApiKey
from portal.library.weights.enums import Delivery
from portal.library.weights.models import USER_AGENT_LENGTH, Download, File, LinkList, Revision
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

WINDOW: Final = timedelta(days=1)
GIGABYTE: Final = 10**9
SILENT: Final = timedelta(minutes=10)
"""A stream without a sign of life for so long has died with its process, or its client has."""


@dataclass(frozen=True)
class Part:
    """A range of a file's bytes."""

    first: int
    length: int


@transaction.atomic
def begin_download(
    bearer: ApiKey | LinkList,
    revision: Revision,
    file: File,
    part: Part,
    *,
    tool: str,
    at: datetime,
) -> Download:
    """Record the request, and in the audit log the person's first for the revision.

    Raises `DomainError`: `download_quota_exceeded`, `too_many_downloads`.
    """
    # One person's requests take turns here, so that together they keep to the limits.
    user = User.objects.select_for_update(no_key=True).get(pk=bearer.user_id)
    delivery = Delivery(settings.WEIGHTS_DELIVERY)
    _require_quota(user, at=at)
    if delivery == Delivery.STREAM:
        _require_stream(user, at=at)
    is_first = not Download.objects.filter(user=user, file__revision=revision).exists()
    is_handed_on = delivery == Delivery.X_ACCEL
    download = Download.objects.create(
        user=user, grant=_find_grant(user, revision, at=at), file=file,
        first_byte=part.first, length=part.length, sent=part.length if is_handed_on else 0,
        delivery=delivery, tool=tool[:USER_AGENT_LENGTH], started_at=at, seen_at=at,
        ended_at=at if is_handed_on else None,
        key=bearer if isinstance(bearer, ApiKey) else None,
        links=bearer if isinstance(bearer, LinkList) else None,
    )  # fmt: skip
    if is_first:
        record(
            AuditTag.WEIGHTS_FETCHED,
            actor=user,
            subject=f"weights:{revision.commit}",
            data={"grant": download.grant_id, "revision": str(revision), **_name(bearer)},
        )
    return download


def note_progress(download: Download, *, sent: int) -> bool:
    """Record the bytes sent so far; False if the person may not have the rest."""
    now = timezone.now()
    Download.objects.filter(pk=download.pk).update(sent=sent, seen_at=now)
    newest = Download.objects.select_related("key", "links", "user").get(pk=download.pk)
    model = download.file.revision.repository.model
    is_alive = _is_alive(newest.key or newest.links, at=now)
    return is_alive and decide(newest.user, model, Capability.WEIGHTS, now).allowed


def end_download(download: Download, *, sent: int) -> None:
    """Record the end, however it came, and the bytes that were really sent."""
    now = timezone.now()
    Download.objects.filter(pk=download.pk).update(sent=sent, seen_at=now, ended_at=now)


def sum_day(user: User, *, at: datetime) -> int:
    """The bytes of the last 24 hours: those sent, and those that streams under way still owe."""
    counted = Case(When(_is_running(at), then=F("length")), default=F("sent"))
    found = _of_day(user, at=at).aggregate(bytes=Sum(counted))
    return found["bytes"] or 0


def _require_quota(user: User, *, at: datetime) -> None:
    limit = settings.WEIGHTS_GB_PER_DAY * GIGABYTE
    if (used := sum_day(user, at=at)) < limit:
        return
    first = _of_day(user, at=at).aggregate(at=Min("started_at"))["at"] + WINDOW
    raise DomainError(
        RefusalCode.DOWNLOAD_QUOTA_EXCEEDED,
        f"You have downloaded {used / GIGABYTE:,.1f} GB within 24 hours; the limit is "
        f"{settings.WEIGHTS_GB_PER_DAY:,} GB. The first bytes come back on {first:%d %B at %H:%M} "
        "UTC. Then run the same command again: whole files are not fetched twice.",
    )


def _require_stream(user: User, *, at: datetime) -> None:
    running = Download.objects.filter(_is_running(at), user=user).count()
    if running >= settings.WEIGHTS_STREAMS:
        raise DomainError(
            RefusalCode.TOO_MANY_DOWNLOADS,
            f"You have {running} downloads under way; the limit is {settings.WEIGHTS_STREAMS}. "
            "Continue when one has ended, or use fewer workers (hf download --max-workers 4).",
        )


def _name(bearer: ApiKey | LinkList) -> dict[str, str]:
    if isinstance(bearer, ApiKey):
        return {"key": bearer.lookup}
    return {"links": str(bearer.pk)}


def _is_alive(bearer: ApiKey | LinkList | None, *, at: datetime) -> bool:
    """Whether a download may go on. Links that expire meanwhile finish the file."""
    if isinstance(bearer, ApiKey):
        return bearer.revoked_at is None and (bearer.expires_at is None or bearer.expires_at > at)
    return bearer is not None and bearer.ended_at is None


def _is_running(at: datetime) -> Q:
    return Q(ended_at=None, seen_at__gt=at - SILENT)


def _of_day(user: User, *, at: datetime) -> QuerySet[Download]:
    return Download.objects.filter(user=user, started_at__gt=at - WINDOW).order_by()


def _find_grant(user: User, revision: Revision, *, at: datetime) -> Grant:
    """The grant under which `decide` has allowed the download."""
    in_force = Grant.objects.in_force(at=at).filter(
        user=user,
        model=revision.repository.model_id,
        capabilities__contains=[Capability.WEIGHTS],
    )
    grant = in_force.order_by("-starts_at", "-pk").first()
    if grant is None:
        raise DomainError(RefusalCode.ACCESS_ENDED, "Your access has just ended.")
    return grant
