"""Erasing referees and officials: on request, and after a period."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Application
from portal.gate.vouching.domain.answers import answer_request
from portal.gate.vouching.domain.domains import confirm_domain
from portal.gate.vouching.domain.erasure import erase_person_from_vouches
from portal.gate.vouching.domain.upkeep import run_upkeep
from portal.gate.vouching.enums import Answer, RequestState, VouchKind
from portal.gate.vouching.models import AuthorisedDomain, VouchRequest
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.notices.domain.sending import send_due
from tests.factories.vouching import VouchRequestFactory, ask

pytestmark = pytest.mark.django_db
EMAIL = "zwaluw@uni.edu"
AGE = timedelta(days=730)


@pytest.fixture
def request_(waiting: Application) -> VouchRequest:
    row = VouchRequestFactory.create(application=waiting, email=EMAIL)
    ask(row)
    send_due()
    return row


def test_a_referee_is_erased_who_asks_the_operators(request_: VouchRequest) -> None:
    with pytest.raises(CommandError):
        call_command("erase_voucher", EMAIL)
    with pytest.raises(CommandError):
        call_command("erase_voucher", "nobody@uni.edu", "--confirm")
    call_command("erase_voucher", EMAIL.upper(), "--confirm", verbosity=0)
    request_.refresh_from_db()
    assert (request_.email, request_.digest, request_.state) == ("", "", RequestState.REPLACED)
    assert AuditEvent.objects.filter(tag=AuditTag.VOUCH_ERASED).count() == 1


def test_after_the_retention_period_nobody_is_known(
    request_: VouchRequest, waiting: Application
) -> None:
    answer_request(request_, answer=Answer.CONFIRM)
    Application.objects.filter(pk=waiting.pk).update(state=ApplicationState.APPROVED)
    now = timezone.now()
    for passed, kept in ((AGE - timedelta(minutes=1), EMAIL), (AGE + timedelta(minutes=1), "")):
        with time_machine.travel(now + passed, tick=False):
            run_upkeep()
        request_.refresh_from_db()
        assert request_.email == kept


def test_an_open_application_and_a_domain_that_counts_keep_who_spoke(
    request_: VouchRequest, waiting: Application, reviewer: User
) -> None:
    official = VouchRequestFactory.create(
        application=waiting, kind=VouchKind.OFFICIAL, email="dean@uni.edu"
    )
    ask(official)
    answer_request(official, answer=Answer.CONFIRM, authorises_domain=True, text="Yes.")
    confirm_domain(official.domains.get(), by=reviewer)
    with time_machine.travel(timezone.now() + AGE + timedelta(days=1), tick=False):
        run_upkeep()
    request_.refresh_from_db()
    assert request_.email == EMAIL
    AuthorisedDomain.objects.update(ends_at=timezone.now() + 2 * AGE)
    Application.objects.filter(pk=waiting.pk).update(state=ApplicationState.APPROVED)
    with time_machine.travel(timezone.now() + AGE + timedelta(days=1), tick=False):
        run_upkeep()
    assert list(VouchRequest.objects.values_list("email", flat=True)) == ["", "dean@uni.edu"]
    erase_person_from_vouches(waiting.applicant, actor=None)
    official.refresh_from_db()
    assert (official.email, official.text) == ("dean@uni.edu", "")
