"""The page of a link, and the effects of an answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from portal.gate.access.domain.desk.claims import claim_application
from portal.gate.access.domain.process.reviews import reject_application
from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Application
from portal.gate.vouching.domain.answers import answer_request, read_link
from portal.gate.vouching.domain.facts import list_vouches
from portal.gate.vouching.enums import Answer, LinkStanding, RequestState, VouchKind
from portal.gate.vouching.models import AuthorisedDomain
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.notices.domain.sending import send_due
from tests.factories.vouching import VouchRequestFactory, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]


def standing(path: str, *, at: timedelta = timedelta(0)) -> LinkStanding:
    _, _, pk, token, _ = path.split("/")
    return read_link(int(pk), token, at=timezone.now() + at).standing


def test_an_answer_is_a_fact_and_an_event_and_decides_nothing(
    waiting: Application, reviewer: User, client: Client
) -> None:
    request = VouchRequestFactory.create(application=waiting)
    path = ask(request)
    page = client.get(path)
    assert (page.status_code, waiting.intended_use in page.content.decode()) == (200, True)
    response = client.post(path, {"answer": "cannot_confirm", "text": "I never met them."})
    assert (response.status_code, response.headers["Location"]) == (302, path)
    request.refresh_from_db()
    waiting.refresh_from_db()
    assert (request.state, request.text) == (RequestState.ANSWERED, "I never met them.")
    assert waiting.state == ApplicationState.SUBMITTED
    (fact,) = list_vouches(waiting, at=timezone.now())
    assert (fact.value, fact.is_confirmed, fact.note) == (
        "Rosalind Referee, University of the References: cannot confirm",
        False,
        "I never met them.",
    )
    event = AuditEvent.objects.get(tag=AuditTag.VOUCH_ANSWERED)
    assert (event.subject, event.data, event.actor) == (
        f"vouch:{request.pk}",
        {"application": waiting.case_number, "kind": "referee", "answer": "cannot_confirm"},
        None,
    )
    assert find_breaks() == []


def test_one_mail_each_goes_to_the_applicant_and_to_who_reviews(
    waiting: Application, reviewer: User
) -> None:
    request = VouchRequestFactory.create(application=waiting)
    ask(request)
    send_due()
    mail.outbox.clear()
    answer_request(request, answer=Answer.CONFIRM, text="Excellent.")
    send_due()
    assert {(sent.to[0], sent.subject) for sent in mail.outbox} == {
        (waiting.applicant.email, f"Your referee has answered about {waiting.case_number}"),
        (reviewer.email, f"The referee of {waiting.case_number} has answered"),
    }
    assert len(mail.outbox) == 2
    assert ["Excellent." in sent.body for sent in mail.outbox] == [False, False]


def test_who_answered_does_not_decide(waiting: Application, reviewer: User) -> None:
    request = VouchRequestFactory.create(application=waiting, email=reviewer.email)
    ask(request)
    claim_application(waiting, by=reviewer)
    answer_request(request, answer=Answer.CONFIRM)
    with pytest.raises(DomainError) as refused:
        reject_application(waiting, by=reviewer, reason="Commercial.")
    assert refused.value.code == "own_team"


def test_looking_uses_nothing_up_and_answering_does(waiting: Application, client: Client) -> None:
    path = ask(VouchRequestFactory.create(application=waiting))
    for _ in range(3):
        assert client.get(path).status_code == 200
    assert standing(path) == LinkStanding.OPEN
    client.post(path, {"answer": "confirm"})
    assert standing(path) == LinkStanding.USED
    again = client.post(path, {"answer": "not_me"})
    assert (again.status_code, "You have answered" in again.content.decode()) == (200, True)
    assert waiting.vouch_requests.get().answer == Answer.CONFIRM


def test_two_answers_at_once_leave_the_first(waiting: Application) -> None:
    request = VouchRequestFactory.create(application=waiting)
    ask(request)
    answer_request(request, answer=Answer.CONFIRM)
    with pytest.raises(DomainError) as refused:
        answer_request(request, answer=Answer.NOT_ME)
    assert refused.value.code == "link_used"


def test_a_link_expires_to_the_second(waiting: Application, client: Client) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        path = ask(VouchRequestFactory.create(application=waiting))
        clock.move_to(start + timedelta(days=14, seconds=-1))
        assert standing(path) == LinkStanding.OPEN
        clock.move_to(start + timedelta(days=14))
        assert standing(path) == LinkStanding.EXPIRED
        page = client.post(path, {"answer": "confirm"})
    assert (page.status_code, "This link has expired" in page.content.decode()) == (410, True)
    assert waiting.vouch_requests.get().answer == ""


@pytest.mark.parametrize("change", ["token", "row", "empty"])
def test_a_wrong_link_tells_nothing(waiting: Application, client: Client, change: str) -> None:
    request = VouchRequestFactory.create(application=waiting)
    path = ask(request)
    _, _, pk, token, _ = path.split("/")
    wrong = {
        "token": f"/vouch/{pk}/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}/",
        "row": f"/vouch/{int(pk) + 1}/{token}/",
        "empty": f"/vouch/{pk}/-/",
    }[change]
    page = client.get(wrong)
    assert (page.status_code, "This link is wrong" in page.content.decode()) == (404, True)
    assert waiting.applicant_name not in page.content.decode()


def test_somebody_named_and_not_asked_has_no_link(waiting: Application, client: Client) -> None:
    request = VouchRequestFactory.create(application=waiting)
    assert client.get(f"/vouch/{request.pk}/e/").status_code == 404


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ApplicationState.APPROVED, LinkStanding.CLOSED),
        (ApplicationState.WITHDRAWN, LinkStanding.CLOSED),
        (ApplicationState.RETURNED, LinkStanding.OPEN),
    ],
)
def test_a_link_ends_with_its_application(
    waiting: Application, state: ApplicationState, expected: LinkStanding
) -> None:
    path = ask(VouchRequestFactory.create(application=waiting))
    Application.objects.filter(pk=waiting.pk).update(state=state)
    assert standing(path) == expected


def test_a_form_without_an_answer_is_shown_again(waiting: Application, client: Client) -> None:
    path = ask(VouchRequestFactory.create(application=waiting))
    page = client.post(path, {"text": "Hm."})
    assert (page.status_code, "Choose one." in page.content.decode()) == (422, True)


def test_links_are_not_tried_without_end(client: Client) -> None:
    codes = [client.get("/vouch/1/guess/").status_code for _ in range(61)]
    assert (codes[59], codes[60]) == (404, 429)


def test_who_answered_may_have_themselves_erased(waiting: Application, client: Client) -> None:
    request = VouchRequestFactory.create(application=waiting)
    path = ask(request)
    client.post(path, {"answer": "confirm", "text": "Excellent."})
    page = client.post(f"{path}erase/")
    assert (page.status_code, "Erased" in page.content.decode()) == (200, True)
    request.refresh_from_db()
    assert (request.name, request.email, request.text, request.answer) == ("", "", "", "confirm")
    assert client.get(path).status_code == 404
    (fact,) = list_vouches(waiting, at=timezone.now())
    assert (fact.value, fact.is_confirmed) == ("somebody whose name was erased: confirms", True)


def test_a_referee_cannot_speak_for_a_domain(waiting: Application, client: Client) -> None:
    path = ask(VouchRequestFactory.create(application=waiting, kind=VouchKind.REFEREE))
    client.post(path, {"answer": "confirm", "domain": "on"})
    assert AuthorisedDomain.objects.count() == 0
