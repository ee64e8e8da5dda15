"""A person's own request for erasure: the wait, withdrawal, refusals, and once only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings

from portal.desk.privacy.domain import carrying_out
from portal.desk.privacy.domain.carrying_out import LEASE, carry_out_due
from portal.desk.privacy.domain.erasure import erase_person, pseudonym
from portal.desk.privacy.domain.requests import request_erasure, take_back_erasure
from portal.desk.privacy.enums import ErasureState
from portal.desk.privacy.models import ErasureRequest
from portal.desk.privacy.tasks import carry_out_erasures
from portal.gate.access.domain.desk.claims import claim_application, release_application
from portal.gate.renewals.domain.decisions import claim_renewal
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.notices.domain.sending import send_due
from tests.desk.privacy.test_erasure import places_that_know
from tests.desk.privacy.test_export import unpack
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.renewals import hand_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DUE = NOW + timedelta(days=7)
SECOND = timedelta(seconds=1)
NAME = "Quendolina Zwaluwstaart"
EMAIL = "q.zwaluwstaart@lab.example.org"
ADDRESS = "/account/erase/"


@pytest.fixture(autouse=True)
def _wait(settings: Settings) -> None:
    settings.ERASURE_WAIT_DAYS = 7


@pytest.fixture
def person() -> User:
    return UserFactory.create(email=EMAIL, name=NAME)


@pytest.fixture
def asked(person: User) -> ErasureRequest:
    with time_machine.travel(NOW, tick=False):
        return request_erasure(person)


def tags(person: User) -> list[str]:
    events = AuditEvent.objects.filter(subject=f"user:{person.pk}").order_by("pk")
    return list(events.values_list("tag", flat=True))


def states(person: User) -> list[str]:
    requests = ErasureRequest.objects.filter(person=person).order_by("pk")
    return list(requests.values_list("state", flat=True))


def run_task(at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        carry_out_erasures()


@pytest.mark.usefixtures("asked")
def test_nothing_is_erased_a_second_before_the_end_and_all_at_it(person: User) -> None:
    run_task(DUE - SECOND)
    assert (states(person), User.objects.get(pk=person.pk).name) == (["open"], NAME)
    run_task(DUE)
    assert (states(person), User.objects.get(pk=person.pk).name) == (
        ["carried_out"],
        pseudonym(person.pk),
    )


@pytest.mark.usefixtures("asked")
def test_the_task_erases_once_however_often_it_runs(person: User) -> None:
    for _ in range(2):
        run_task(DUE)
    run_task(DUE + LEASE)
    assert tags(person) == [AuditTag.ERASURE_REQUESTED, AuditTag.PERSON_ERASED]


@pytest.mark.usefixtures("asked")
def test_no_column_knows_the_person_afterwards_and_the_chain_holds(person: User) -> None:
    send_due()
    assert places_that_know(NAME) == {"accounts_user.name", "notices_notice.body"}
    run_task(DUE)
    assert places_that_know(NAME, EMAIL) == set()
    assert find_breaks() == []


def test_a_request_that_a_dead_worker_began_is_finished_after_its_lease(
    person: User, asked: ErasureRequest
) -> None:
    begun = {"state": ErasureState.BEGUN, "lease_ends_at": DUE + LEASE}
    ErasureRequest.objects.filter(pk=asked.pk).update(**begun)
    run_task(DUE + LEASE - SECOND)
    assert states(person) == ["begun"]
    with pytest.raises(LostRace):
        take_back_erasure(person)
    run_task(DUE + LEASE)
    assert states(person) == ["carried_out"]


@pytest.mark.usefixtures("asked")
def test_who_took_it_back_is_not_erased_and_can_ask_again(person: User) -> None:
    take_back_erasure(person)
    assert carry_out_due(at=DUE) == 0
    with pytest.raises(LostRace):
        take_back_erasure(person)
    request_erasure(person)
    assert states(person) == ["taken_back", "open"]
    assert tags(person) == [
        AuditTag.ERASURE_REQUESTED,
        AuditTag.ERASURE_TAKEN_BACK,
        AuditTag.ERASURE_REQUESTED,
    ]


def test_taking_back_wins_over_a_worker_that_comes_second(
    person: User, asked: ErasureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = carrying_out._begin

    def take_back_first(request_id: int, *, at: datetime) -> User | None:
        take_back_erasure(person)
        return begin(request_id, at=at)

    monkeypatch.setattr(carrying_out, "_begin", take_back_first)
    assert carry_out_due(at=DUE) == 0
    assert (states(person), User.objects.get(pk=person.pk).name) == (["taken_back"], NAME)


def test_both_are_mailed(person: User) -> None:
    with time_machine.travel(NOW, tick=False):
        request_erasure(person)
        send_due()
        take_back_erasure(person)
        send_due()
    assert [(message.to, message.subject) for message in mail.outbox] == [
        ([EMAIL], "Your account will be erased on 30 November 2026"),
        ([EMAIL], "Your account will not be erased"),
    ]


def test_the_database_keeps_a_second_open_request_out(person: User, asked: ErasureRequest) -> None:
    with pytest.raises(DomainError) as refused:
        request_erasure(person)
    assert refused.value.code == "already_requested"
    with pytest.raises(IntegrityError), transaction.atomic():
        ErasureRequest.objects.create(person=person, requested_at=NOW, due_at=DUE)


@pytest.mark.usefixtures("asked")
def test_the_operators_command_ends_the_request_too(person: User) -> None:
    erase_person(person, actor=None)
    run_task(DUE)
    assert (states(person), tags(person)[1:]) == (["carried_out"], [AuditTag.PERSON_ERASED])


def test_the_only_operator_is_refused() -> None:
    operator = UserFactory.create(is_staff=True)
    UserFactory.create(is_staff=True, is_active=False)
    with pytest.raises(DomainError) as refused:
        request_erasure(operator)
    assert refused.value.code == "last_operator"


def test_of_two_operators_who_are_due_one_stays() -> None:
    first, second = UserFactory.create(is_staff=True), UserFactory.create(is_staff=True)
    with time_machine.travel(NOW, tick=False):
        request_erasure(first)
        request_erasure(second)
    run_task(DUE)
    assert (states(first), states(second)) == (["carried_out"], ["open"])
    assert User.objects.get(is_staff=True, is_active=True) == second
    assert AuditTag.ROLES_CHANGED in tags(first)


def test_a_reviewer_with_claims_is_told_what_to_do_first() -> None:
    reviewer = UserFactory.create(is_reviewer=True, name=NAME)
    application = ApplicationFactory.create()
    renewal = hand_in([GrantFactory.create(ends_at=datetime.now(UTC) + timedelta(days=9))])
    claim_application(application, by=reviewer)
    claim_renewal(renewal, by=reviewer)
    with pytest.raises(DomainError) as refused:
        request_erasure(reviewer)
    assert refused.value.message == (
        f"You hold {application}, {renewal}. Release or hand over these claims first."
    )


def test_claims_taken_up_meanwhile_keep_the_request_waiting() -> None:
    reviewer = UserFactory.create(is_reviewer=True, email=EMAIL, name=NAME)
    application = ApplicationFactory.create()
    with time_machine.travel(NOW, tick=False):
        request_erasure(reviewer)
    with time_machine.travel(DUE - SECOND, tick=False):
        claim_application(application, by=reviewer)
        send_due()
    run_task(DUE)
    assert (states(reviewer), User.objects.get(pk=reviewer.pk).is_reviewer) == (["open"], True)
    with time_machine.travel(DUE, tick=False):
        release_application(application, by=reviewer)
    run_task(DUE)
    assert states(reviewer) == ["carried_out"]
    assert places_that_know(NAME, EMAIL) == set()


@pytest.fixture
def signed_in(client: Client, person: User) -> Client:
    client.post("/account/login/", {"login": EMAIL, "password": PASSWORD})
    return client


def test_the_page_asks_for_the_password_before_it_takes_the_request(
    signed_in: Client, person: User
) -> None:
    answer = signed_in.post(ADDRESS)
    assert (
        answer.headers["Location"] == f"/account/reauthenticate/?next={ADDRESS.replace('/', '%2F')}"
    )
    assert states(person) == []
    signed_in.post(answer.headers["Location"], {"password": "wrong", "next": ADDRESS})
    assert states(person) == []
    signed_in.post(answer.headers["Location"], {"password": PASSWORD, "next": ADDRESS})
    assert states(person) == ["open"]


@pytest.mark.parametrize("page", ["/account/", ADDRESS])
def test_the_account_says_so_and_it_is_taken_back_there(
    signed_in: Client, person: User, page: str
) -> None:
    button = b'action="/account/erase/take-back/"'
    assert signed_in.get(page).content.count(button) == 0
    request_erasure(person)
    assert signed_in.get(page).content.count(button) == 1
    assert signed_in.get("/account/erase/take-back/").status_code == 405
    signed_in.post("/account/erase/take-back/")
    assert states(person) == ["taken_back"]
    assert signed_in.get(page).content.count(button) == 0


def test_the_only_operator_reads_why_on_the_page(client: Client) -> None:
    client.force_login(UserFactory.create(is_staff=True))
    page = client.get(ADDRESS)
    assert page.context["refusal"].code == "last_operator"
    assert page.content.count(b"Erase my account") == 0


@pytest.mark.usefixtures("asked")
def test_everything_about_me_names_the_open_request(client: Client, person: User) -> None:
    client.force_login(person)
    (row,) = unpack(client.post("/account/everything/").content)["erasure_requests.json"]
    assert (row["state"], row["due_at"]) == ("open", "2026-11-30T12:00:00Z")


@pytest.mark.usefixtures("asked")
def test_after_it_nobody_can_sign_in_with_the_account(signed_in: Client) -> None:
    assert signed_in.get("/account/").status_code == 200
    run_task(DUE)
    assert signed_in.get("/account/").status_code == 302
    signed_in.post("/account/login/", {"login": EMAIL, "password": PASSWORD})
    assert signed_in.get("/account/").status_code == 302
