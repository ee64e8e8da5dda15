"""Carrying out the retention periods. Each is a setting; docs/operations.md lists them.

A round changes at most BATCH rows of each kind and leaves the rest to the next round; repeating
it is harmless. Each kind has its own transaction, so a failure does not stop the other kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, ProtectedError, QuerySet

from portal.desk.privacy.domain.erasure import erased_address, pseudonym
from portal.gate.access.domain.process.lapsing import close_unanswered, remind_unanswered
from portal.gate.access.domain.retention import closed_cases, delete_drafts, erase_case
from portal.gate.access.models import Application
from portal.gate.keys.models import DeviceLogin
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.each import do_each
from portal.platform.mailbox.models import StoredMail
from portal.platform.notices.models import UNSENT, Notice

log = structlog.get_logger(__name__)
BATCH: Final = 500


def carry_out_retention(*, at: datetime, limit: int = BATCH) -> dict[str, int]:
    """Carry out one round; return the number of rows by kind, without kinds that had none.

    Writes one audit event with these counts if there are any.
    """
    counts = dict(do_each(POLICIES, lambda name: _carry_out(name, at, limit), doing="retention"))
    done = {name: count for name, count in counts.items() if count}
    if done:
        with transaction.atomic():
            record(AuditTag.RETENTION_CARRIED_OUT, actor=None, subject="site", data=dict(done))
    return done


@transaction.atomic
def _carry_out(name: str, at: datetime, limit: int) -> tuple[str, int]:
    return name, POLICIES[name](at=at, limit=limit)


class _Policy(Protocol):
    def __call__(self, *, at: datetime, limit: int) -> int: ...


def _delete_drafts(*, at: datetime, limit: int) -> int:
    return delete_drafts(untouched_since=at - _days("DRAFT_RETENTION_DAYS"), limit=limit)


def _erase_closed_cases(*, at: datetime, limit: int) -> int:
    cases = closed_cases(closed_before=at - _days("REFUSED_RETENTION_DAYS"), limit=limit)
    return sum(do_each(cases, _erase_case, doing="erase_case"))


@transaction.atomic
def _erase_case(case: Application) -> bool:
    if not erase_case(case, as_name=pseudonym, as_email=erased_address):
        return False
    # The notices about the case repeat its contents.
    told = Notice.objects.filter(about=f"application:{case.case_number}")
    told.exclude(state__in=UNSENT).delete()
    return True


def _delete_read_notices(*, at: datetime, limit: int) -> int:
    before = at - _days("READ_NOTICE_RETENTION_DAYS")
    return _delete(Notice.objects.filter(read_at__lt=before).exclude(state__in=UNSENT), limit)


def _delete_unverified_accounts(*, at: datetime, limit: int) -> int:
    """Delete accounts whose address was never confirmed and that did nothing."""
    joined_before = at - _days("UNVERIFIED_ACCOUNT_DAYS")
    silent = User.objects.filter(
        date_joined__lt=joined_before,
        last_login=None,
        is_active=True,
        is_staff=False,
        is_reviewer=False,
        is_auditor=False,
    ).exclude(emailaddress__verified=True)
    return sum(do_each(_first(silent, limit), _delete_account, doing="delete_unverified_account"))


def _delete_account(pk: int | str) -> int:
    try:
        with transaction.atomic():
            User.objects.filter(pk=pk, last_login=None).delete()
    except ProtectedError:
        # The account did something after all.
        return 0
    return 1


def _delete_sessions(*, at: datetime, limit: int) -> int:
    gone = _delete(Session.objects.filter(expire_date__lt=at), limit)
    alive = Session.objects.filter(session_key=OuterRef("session_key"))
    _delete(UserSession.objects.filter(~Exists(alive)), limit)
    return gone


def _delete_logins(*, at: datetime, limit: int) -> int:
    return _delete(DeviceLogin.objects.filter(expires_at__lt=at), limit)


def _delete_demo_mail(*, at: datetime, limit: int) -> int:
    before = at - _days("DEMO_MAIL_RETENTION_DAYS")
    return _delete(StoredMail.objects.filter(sent_at__lt=before), limit)


def _days(name: str) -> timedelta:
    return timedelta(days=getattr(settings, name))


def _delete(rows: QuerySet[Model], limit: int) -> int:
    chosen = _first(rows, limit)
    rows.model._default_manager.filter(pk__in=chosen).delete()  # noqa: SLF001 -- documented
    return len(chosen)


def _first(rows: QuerySet[Model], limit: int) -> list[int | str]:
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


POLICIES: Final[Mapping[str, _Policy]] = {
    "drafts_deleted": _delete_drafts,
    "returns_reminded": remind_unanswered,
    "returns_closed": close_unanswered,
    "cases_erased": _erase_closed_cases,
    "read_notices_deleted": _delete_read_notices,
    "unverified_accounts_deleted": _delete_unverified_accounts,
    "sessions_deleted": _delete_sessions,
    "device_logins_deleted": _delete_logins,
    "demo_mails_deleted": _delete_demo_mail,
}
"""Retention policies, by the name in the audit event."""
