"""Making and revoking links to runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from portal.gate.teams.models import Team
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.lab.notebook.models import Node
from portal.lab.sharing.domain.reading import find_refusal_of_owner, teams_now
from portal.lab.sharing.enums import Audience, Life
from portal.lab.sharing.models import ShareLink
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.link_tokens import digest_token, is_right_token, make_token
from portal.platform.core.refusals import RefusalCode

MOST_OPEN: Final = 100
"""Links of one person that have neither expired nor been revoked."""


@transaction.atomic
def create_link(
    run: GenerationJob,
    *,
    by: User,
    audience: Audience,
    life: Life,
    team: Team | None = None,
    is_sensitive: bool = False,
    notice: str = "",
) -> ShareLink:
    """Let the audience read the person's run, no longer than its text is kept.

    Raises `DomainError`: `not_found`, `invalid_value`, `too_many_links`, or a code of `decide`.
    """
    now = timezone.now()
    locked = _lock_run(run, by=by)
    _require_may_share(locked, by=by, at=now)
    if audience == Audience.TEAM and not (team and teams_now(by).filter(pk=team.pk).exists()):
        raise invalid_value("Choose a team that you are in.", field="audience")
    link = ShareLink(
        run=locked,
        audience=audience,
        team=team if audience == Audience.TEAM else None,
        is_sensitive=is_sensitive,
        notice=notice.strip(),
        created_at=now,
        expires_at=min(now + timedelta(days=life), text_ends_at(locked)),
    )
    link.digest = digest_token(_token_of(link))
    link.save(force_insert=True)
    data = {"run": str(locked.pk), "audience": str(audience)}
    record(AuditTag.SHARE_MADE, actor=by, subject=_subject_of(link), data=data)
    return link


@transaction.atomic
def revoke_link(link_id: UUID, *, by: User) -> bool:
    """End a link of the person for good; False if they have none with this id that is not ended."""
    own = ShareLink.objects.filter(pk=link_id, run__user=by, revoked_at=None)
    link = own.select_for_update(of=("self",)).first()
    if link is None:
        return False
    ShareLink.objects.filter(pk=link.pk).update(revoked_at=timezone.now(), digest="", notice="")
    record(AuditTag.SHARE_REVOKED, actor=by, subject=_subject_of(link))
    return True


def delete_links(runs: Iterable[UUID]) -> None:
    """Delete the links to runs that are erased, in the caller's transaction."""
    ShareLink.objects.filter(run__in=runs).delete()


def working_links(*, at: datetime) -> QuerySet[ShareLink]:
    """The links that have neither expired nor been revoked."""
    return ShareLink.objects.filter(revoked_at=None, expires_at__gt=at)


def text_ends_at(run: GenerationJob) -> datetime:
    """When the run's text is erased: after the site's time, or its project's if that is less."""
    of_project = Node.objects.filter(job=run).values_list("project__retention_days", flat=True)
    days = min([settings.PROMPT_RETENTION_DAYS, *filter(None, of_project)])
    return run.created_at + timedelta(days=days)


def address_of(link: ShareLink) -> str:
    """Made from the site's key as the token was; empty if the key has changed since."""
    token = _token_of(link)
    if not is_right_token(token, link.digest):
        return ""
    return settings.SITE_URL + reverse("sharing:read", args=[token])


def _lock_run(run: GenerationJob, *, by: User) -> GenerationJob:
    rows = GenerationJob.objects.filter(pk=run.pk, user=by, erased_at__isnull=True)
    rows = rows.select_related("user", "model__release__licence").defer(*LARGE_FIELDS)
    locked = rows.select_for_update(of=("self",)).first()
    if locked is None:
        raise DomainError(RefusalCode.NOT_FOUND, "This run was deleted.")
    return locked


def _require_may_share(run: GenerationJob, *, by: User, at: datetime) -> None:
    if run.is_active:
        raise invalid_value("A run can be shared when it has ended.")
    if text_ends_at(run) <= at:
        raise invalid_value("The text of this run is about to be erased. Run it again to share it.")
    if refusal := find_refusal_of_owner(run, at=at):
        step = refusal.next_step
        raise DomainError(
            RefusalCode(refusal.code), refusal.message, next_url=step.url if step else None
        )
    if working_links(at=at).filter(run__user=by).count() >= MOST_OPEN:
        raise DomainError(
            RefusalCode.TOO_MANY_LINKS, f"{MOST_OPEN} of your links work now. Revoke one first."
        )


def _token_of(link: ShareLink) -> str:
    return make_token(_subject_of(link), 1)


def _subject_of(link: ShareLink) -> str:
    """The name of a link in the audit log."""
    return f"share:{link.pk}"
