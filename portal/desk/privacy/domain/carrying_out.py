"""Carrying out erasure requests, each exactly once, with any number of workers.

A worker first claims the request by compare-and-set (open to begun). From then on, it cannot be
taken back. The erasure ends the request in its last transaction. If a worker dies, another one
finishes the begun request after LEASE.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Q

from portal.desk.privacy.domain.erasure import erase_person
from portal.desk.privacy.domain.requests import require_erasable
from portal.desk.privacy.enums import ErasureState
from portal.desk.privacy.models import ErasureRequest
from portal.gate.access.domain.desk.merging import accounts_of
from portal.platform.accounts.domain.roles import save_roles
from portal.platform.accounts.models import User
from portal.platform.core.each import do_each
from portal.platform.core.errors import DomainError

log = structlog.get_logger(__name__)
LEASE: Final = timedelta(hours=1)


def carry_out_due(*, at: datetime) -> int:
    """Erase the people whose requests are due; return the number of people erased.

    A person who has become the last operator, or who holds claims, waits until that changes.
    """
    waiting = ErasureRequest.objects.filter(_due(at)).order_by("due_at", "pk")
    requests = list(waiting.values_list("pk", flat=True))
    return sum(do_each(requests, lambda pk: _carry_out(pk, at=at), doing="carry_out_erasure"))


def _carry_out(request_id: int, *, at: datetime) -> bool:
    try:
        person = _begin(request_id, at=at)
        if person is None:
            return False
        erase_person(person, actor=person)
    except DomainError as error:
        log.warning("erasure_waits", request_id=request_id, code=error.code)
        return False
    return True


@transaction.atomic
def _begin(request_id: int, *, at: datetime) -> User | None:
    # Lock all operators, in a fixed order, so that the last two cannot both be erased at once.
    list(User.objects.select_for_update().filter(is_staff=True, is_active=True).order_by("pk"))
    taken = ErasureRequest.objects.filter(_due(at), pk=request_id).update(
        state=ErasureState.BEGUN, lease_ends_at=at + LEASE
    )
    if not taken:
        return None
    person = ErasureRequest.objects.select_related("person").get(pk=request_id).person
    require_erasable(person, at=at)
    for account in User.objects.select_for_update().filter(pk__in=accounts_of(person)):
        account.is_reviewer = account.is_auditor = account.is_staff = False
        save_roles(account, actor=person)
    return User.objects.get(pk=person.pk)


def _due(at: datetime) -> Q:
    left_behind = Q(state=ErasureState.BEGUN, lease_ends_at__lte=at)
    return Q(state=ErasureState.OPEN, due_at__lte=at) | left_behind
