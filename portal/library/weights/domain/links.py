"""Links by which plain tools fetch a revision's files: made, read and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from portal.gate.access.domain.decide import decide
from portal.gate.access.enums import Capability
from portal.library.weights.domain.permission import describe_refusal
from portal.library.weights.models import LinkList, Revision
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.link_tokens import digest_token, is_right_token, make_token
from portal.platform.core.refusals import RefusalCode

LIFE: Final = timedelta(days=7)
MOST: Final = 20
"""Lists of one person that work at the same time."""


@dataclass(frozen=True)
class Shown:
    """A list that works, as its owner sees it."""

    links: LinkList
    base: str
    """The URL that all of its links begin with; empty if the site's key has changed since."""
    used_at: datetime | None


@transaction.atomic
def make_links(user: User, revision: Revision, *, at: datetime) -> LinkList:
    """Links to all files of the revision for a week. Raises `DomainError`: `too_many_links`, or a
    code of `decide`.
    """
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    _require_weights(locked, revision, at=at)
    if LinkList.objects.filter(user=locked, ended_at=None, expires_at__gt=at).count() >= MOST:
        raise DomainError(
            RefusalCode.TOO_MANY_LINKS, f"{MOST} of your lists of links work now. End one first."
        )
    links = LinkList(user=locked, revision=revision, created_at=at, expires_at=at + LIFE)
    links.digest = digest_token(_token_of(links))
    links.save(force_insert=True)
    record(
        AuditTag.WEIGHTS_LINKED,
        actor=locked,
        subject=f"weights:{revision.commit}",
        data={"links": str(links.pk), "revision": str(revision)},
    )
    return links


def end_links(links_id: UUID, *, by: User) -> bool:
    """End a list of the person for good; False if they have none that works with this id."""
    return _end(LinkList.objects.filter(pk=links_id, user=by)) == 1


def end_all_links(person: User) -> None:
    """End every list of the person, in the caller's transaction."""
    _end(LinkList.objects.filter(user=person))


def require_links(token: str, *, at: datetime) -> LinkList:
    """The list to which the token belongs, if its owner may fetch the weights now.

    Raises `DomainError`: `link_ended`, or a code of `decide`.
    """
    rows = LinkList.objects.select_related("user", "revision__repository__model__release__licence")
    links = rows.filter(digest=digest_token(token), expires_at__gt=at).first()
    if links is None:
        raise DomainError(
            RefusalCode.LINK_ENDED,
            "This link was cut off or changed, has expired, or was ended. Make new ones: "
            f"{settings.SITE_URL}/weights/",
            next_url="/weights/",
        )
    _require_weights(links.user, links.revision, at=at)
    return links


def list_links(user: User, revision: Revision, *, at: datetime) -> list[Shown]:
    """The person's lists that work, newest first."""
    found = LinkList.objects.filter(
        user=user, revision=revision, ended_at=None, expires_at__gt=at
    ).annotate(used_at=Max("downloads__started_at"))
    return [Shown(each, address_of(each), each.used_at) for each in found]


def address_of(links: LinkList) -> str:
    """What every URL of the list begins with; empty if the site's key has changed since."""
    token = _token_of(links)
    return address_with(token) if is_right_token(token, links.digest) else ""


def address_with(token: str) -> str:
    """What every URL with this token begins with."""
    return f"{settings.SITE_URL}/hub/links/{token}"


def write_urls(revision: Revision, base: str) -> str:
    """One URL for each file, for `wget -i`."""
    return "".join(f"{_url_of(base, path)}\n" for path, _ in _list_files(revision))


def write_aria2(revision: Revision, base: str) -> str:
    """The URLs with names and checksums, for `aria2c -i`."""
    return "".join(
        f"{_url_of(base, path)}\n  out={path}\n  checksum=sha-256={sha256}\n"
        for path, sha256 in _list_files(revision)
    )


def _list_files(revision: Revision) -> list[tuple[str, str]]:
    return list(revision.files.values_list("path", "sha256"))


def _url_of(base: str, path: str) -> str:
    return f"{base}/files/{quote(path)}"


def _require_weights(user: User, revision: Revision, *, at: datetime) -> None:
    decision = decide(user, revision.repository.model, Capability.WEIGHTS, at)
    if not decision.allowed:
        raise describe_refusal(decision)


def _end(rows: QuerySet[LinkList]) -> int:
    return rows.filter(ended_at=None).update(ended_at=timezone.now(), digest="")


def _token_of(links: LinkList) -> str:
    return make_token(f"weights-links:{links.pk}", 1)
