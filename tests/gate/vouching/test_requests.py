"""Naming vouchers, and the links that they get."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.gate.vouching.domain.applicant_view import describe_vouches
from portal.gate.vouching.domain.letters import link_of
from portal.gate.vouching.domain.requests import (
    MOST_LINKS,
    MOST_PEOPLE,
    current_request,
    name_voucher,
    resend_link,
)
from portal.gate.vouching.domain.upkeep import remind_the_silent, run_upkeep
from portal.gate.vouching.enums import Delivery, RequestState, VouchKind
from portal.gate.vouching.models import VouchRequest
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.notices.domain.sending import send_due
from portal.platform.notices.enums import NoticeState
from portal.platform.notices.models import Notice
from tests.factories.vouching import VouchRequestFactory

pytestmark = pytest.mark.django_db
REFEREE: dict[str, Any] = {
    "kind": VouchKind.REFEREE,
    "name": "Rosalind Referee",
    "email": "Rosalind@Uni.edu",
    "institution": "University of the References",
}


def name_referee(application: Application, **changes: Any) -> VouchRequest:
    return name_voucher(application, by=application.applicant, **{**REFEREE, **changes})


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as refused:
        act()
    return refused.value.code


def tags() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("tag", flat=True))


def test_who_is_named_in_a_draft_is_asked_when_it_is_submitted(
    signed_applicant: User, answers: Callable[..., Answers]
) -> None:
    draft = open_draft(signed_applicant)
    named = name_referee(draft)
    assert (named.state, send_due()) == (RequestState.NAMED, 0)
    submit_application(draft, by=signed_applicant, answers=answers())
    named.refresh_from_db()
    assert (named.state, named.serial) == (RequestState.ASKED, 1)
    send_due()
    (letter,) = [sent for sent in mail.outbox if sent.to == ["rosalind@uni.edu"]]
    assert letter.subject == f"{signed_applicant.name} names you as a referee"
    assert re.findall(r"http://testserver(/vouch/\S+)", str(letter.body)) == [link_of(named)]
    assert tags() == [
        AuditTag.VOUCH_NAMED,
        AuditTag.APPLICATION_SUBMITTED,
        AuditTag.VOUCH_ASKED,
    ]


def test_no_column_keeps_the_token(waiting: Application) -> None:
    request = name_referee(waiting)
    token = link_of(request).split("/")[3]
    send_due()
    kept = [
        *Notice.objects.values_list("subject", "body", "data"),
        *VouchRequest.objects.values_list(),
        *AuditEvent.objects.values_list("data", "subject"),
    ]
    assert token not in str(kept)
    assert token in mail.outbox[-1].body


def test_a_submission_again_does_not_ask_again(
    signed_applicant: User, answers: Callable[..., Answers]
) -> None:
    draft = open_draft(signed_applicant)
    named = name_referee(draft)
    submit_application(draft, by=signed_applicant, answers=answers())
    Application.objects.filter(pk=draft.pk).update(state=ApplicationState.RETURNED)
    draft.refresh_from_db()
    submit_application(draft, by=signed_applicant, answers=answers())
    named.refresh_from_db()
    assert named.serial == 1


def test_a_model_that_wants_a_referee_is_not_submitted_for_without_one(
    signed_applicant: User, model: HostedModel, answers: Callable[..., Answers]
) -> None:
    HostedModel.objects.filter(pk=model.pk).update(requires_referee=True)
    model.refresh_from_db()
    draft = open_draft(signed_applicant)

    def submit() -> object:
        return submit_application(draft, by=signed_applicant, answers=answers())

    assert refusal(submit) == "referee_missing"
    draft.refresh_from_db()
    assert draft.state == ApplicationState.DRAFT
    name_referee(draft)
    submit()
    assert draft.state == ApplicationState.SUBMITTED


def test_who_is_named_later_is_asked_at_once(waiting: Application) -> None:
    assert name_referee(waiting).state == RequestState.ASKED


def test_another_person_takes_the_place_and_the_old_link_is_worthless(
    waiting: Application,
) -> None:
    first = name_referee(waiting)
    second = name_referee(waiting, email="other@uni.edu")
    first.refresh_from_db()
    assert (first.state, current_request(waiting, VouchKind.REFEREE)) == (
        RequestState.REPLACED,
        second,
    )
    send_due()
    assert {tuple(sent.to) for sent in mail.outbox} == {("other@uni.edu",)}


def test_only_so_many_people_are_named(waiting: Application) -> None:
    for number in range(MOST_PEOPLE):
        name_referee(waiting, email=f"person{number}@uni.edu")
    assert refusal(lambda: name_referee(waiting, email="more@uni.edu")) == "too_many_named"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "text_missing"),
        ({"institution": ""}, "text_missing"),
        ({"email": ""}, "text_missing"),
        ({"kind": VouchKind.OFFICIAL, "email": "boss@gmail.com"}, "mail_service"),
    ],
)
def test_what_is_missing_or_says_nothing_is_refused(
    waiting: Application, changes: dict[str, Any], code: str
) -> None:
    assert refusal(lambda: name_referee(waiting, **changes)) == code


def test_nobody_vouches_for_themselves(waiting: Application) -> None:
    own = waiting.applicant.email.upper()
    assert refusal(lambda: name_referee(waiting, email=own)) == "own_address"


def test_only_the_applicant_names(waiting: Application, reviewer: User) -> None:
    act = lambda: name_voucher(waiting, by=reviewer, **REFEREE)  # noqa: E731
    assert refusal(act) == "not_your_application"


def test_nobody_is_asked_once_it_is_decided(waiting: Application) -> None:
    Application.objects.filter(pk=waiting.pk).update(state=ApplicationState.APPROVED)
    assert refusal(lambda: name_referee(waiting)) == "application_closed"


def test_a_link_is_sent_again_with_a_pause_and_so_many_times(waiting: Application) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        request = name_referee(waiting)
        first = link_of(request)

        def again() -> VouchRequest:
            return resend_link(waiting, by=waiting.applicant, kind=VouchKind.REFEREE)

        clock.move_to(start + timedelta(seconds=3599))
        assert refusal(again) == "too_soon"
        for number in range(1, MOST_LINKS):
            clock.move_to(start + timedelta(hours=number))
            request = again()
            assert link_of(request) != first
        clock.move_to(start + timedelta(days=2))
        assert refusal(again) == "too_many_links"


def test_a_letter_that_waits_when_a_new_link_is_sent_does_not_leave(
    waiting: Application,
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        name_referee(waiting)
        clock.move_to(start + timedelta(hours=1))
        request = resend_link(waiting, by=waiting.applicant, kind=VouchKind.REFEREE)
        send_due()
    assert [link_of(request) in sent.body for sent in mail.outbox] == [True]


def test_an_answered_request_is_not_sent_again(waiting: Application) -> None:
    VouchRequestFactory.create(
        application=waiting,
        state=RequestState.ANSWERED,
        answer="confirm",
        answered_at=timezone.now(),
    )
    act = lambda: resend_link(waiting, by=waiting.applicant, kind=VouchKind.REFEREE)  # noqa: E731
    assert refusal(act) == "nobody_asked"


def test_who_is_silent_for_a_week_is_reminded_once_with_the_same_link(
    waiting: Application,
) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        request = name_referee(waiting)
        send_due()
        clock.move_to(start + timedelta(days=7, seconds=-1))
        assert remind_the_silent() == 0
        clock.move_to(start + timedelta(days=7))
        run_upkeep()
        run_upkeep()
        send_due()
    assert [sent.subject.startswith("A reminder") for sent in mail.outbox] == [False, True]
    assert [link_of(request) in sent.body for sent in mail.outbox] == [True, True]


def test_nobody_is_reminded_of_what_is_decided(waiting: Application) -> None:
    name_referee(waiting)
    Application.objects.filter(pk=waiting.pk).update(state=ApplicationState.APPROVED)
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert remind_the_silent() == 0


@pytest.mark.parametrize(
    ("state", "delivery"),
    [
        (NoticeState.QUEUED, Delivery.QUEUED),
        (NoticeState.SENT, Delivery.SENT),
        (NoticeState.BOUNCED, Delivery.BOUNCED),
        (NoticeState.FAILED, Delivery.FAILED),
    ],
)
def test_the_applicant_is_told_how_far_the_mail_came(
    waiting: Application, state: NoticeState, delivery: Delivery
) -> None:
    name_referee(waiting)
    Notice.objects.update(state=state, sent_at=timezone.now())
    referee, official = describe_vouches(waiting, at=timezone.now())
    assert (referee.delivery, official.request) == (delivery, None)
    expired = describe_vouches(waiting, at=timezone.now() + timedelta(days=14))
    assert expired[0].delivery == Delivery.EXPIRED


def test_two_tabs_name_one_person(waiting: Application) -> None:
    name_referee(waiting)
    assert refusal(lambda: name_referee(waiting)) == "asked_already"
    assert VouchRequest.objects.count() == 1


def test_who_is_named_for_a_draft_can_be_corrected(signed_applicant: User) -> None:
    draft = open_draft(signed_applicant)
    name_referee(draft)
    corrected = name_referee(draft, institution="Another University")
    assert list(VouchRequest.objects.values_list("pk", "institution")) == [
        (corrected.pk, "Another University")
    ]
