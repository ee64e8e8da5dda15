"""Officials who authorise a whole domain."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from portal.gate.access.enums import ApplicationState
from portal.gate.access.models import Application
from portal.gate.vouching.domain.answers import answer_request
from portal.gate.vouching.domain.domains import (
    confirm_domain,
    decline_domain,
    find_authorisation,
    withdraw_domain,
)
from portal.gate.vouching.domain.facts import list_vouches
from portal.gate.vouching.domain.upkeep import warn_of_ends
from portal.gate.vouching.enums import Answer, DomainState, VouchKind
from portal.gate.vouching.models import AuthorisedDomain
from portal.platform.accounts.models import User
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.notices.domain.sending import send_due
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.vouching import VouchRequestFactory, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
YEAR = timedelta(days=365)


@pytest.fixture
def path(waiting: Application) -> str:
    """An official's link."""
    official = VouchRequestFactory.create(
        application=waiting, kind=VouchKind.OFFICIAL, email="dean@uni.edu", name="Olga Official"
    )
    return ask(official)


@pytest.fixture
def proposed(path: str, client: Client) -> AuthorisedDomain:
    client.post(path, {"answer": "confirm", "domain": "on"})
    return AuthorisedDomain.objects.get()


def later(email: str) -> Application:
    return ApplicationFactory.create(applicant=UserFactory.create(email=email))


def refusal(error: pytest.ExceptionInfo[DomainError]) -> str:
    return error.value.code


def test_it_counts_once_a_reviewer_has_confirmed_it_and_for_a_year(
    proposed: AuthorisedDomain, reviewer: User
) -> None:
    assert (proposed.domain, proposed.state) == ("uni.edu", DomainState.PROPOSED)
    now = timezone.now()
    assert find_authorisation("ann@uni.edu", at=now) is None
    with time_machine.travel(now, tick=False):
        confirm_domain(proposed, by=reviewer)
    assert find_authorisation("ann@uni.edu", at=now + YEAR - timedelta(seconds=1)) == proposed
    assert find_authorisation("ann@uni.edu", at=now + YEAR) is None
    assert find_authorisation("ann@cs.uni.edu", at=now) is None


def test_it_is_a_fact_about_later_applicants_and_approves_nobody(
    proposed: AuthorisedDomain, reviewer: User
) -> None:
    confirm_domain(proposed, by=reviewer)
    proposed.refresh_from_db()
    application = later("ann@uni.edu")
    (fact,) = list_vouches(application, at=timezone.now())
    assert (fact.value, fact.source, fact.is_confirmed) == (
        f"Olga Official speaks for everybody at uni.edu, until {proposed.ends_at:%-d %B %Y}",
        (
            "authorised by a link sent to dean@uni.edu, confirmed by Rita Reviewer on "
            f"{proposed.decided_at:%-d %B %Y}"
        ),
        True,
    )
    application.refresh_from_db()
    assert application.state == ApplicationState.SUBMITTED


def test_an_address_that_is_not_confirmed_is_not_spoken_for(
    proposed: AuthorisedDomain, reviewer: User
) -> None:
    confirm_domain(proposed, by=reviewer)
    person = UserFactory.create(email="ann@uni.edu", verified=False)
    (fact,) = list_vouches(ApplicationFactory.create(applicant=person), at=timezone.now())
    assert (fact.is_confirmed, fact.source.endswith("address is not confirmed")) == (False, True)


def test_a_no_authorises_nothing(path: str, client: Client) -> None:
    client.post(path, {"answer": "cannot_confirm", "domain": "on"})
    assert AuthorisedDomain.objects.count() == 0


def test_a_mail_service_is_never_authorised(waiting: Application) -> None:
    official = VouchRequestFactory.create(
        application=waiting, kind=VouchKind.OFFICIAL, email="dean@gmail.com"
    )
    ask(official)
    with pytest.raises(DomainError) as refused:
        answer_request(official, answer=Answer.CONFIRM, authorises_domain=True)
    assert refusal(refused) == "not_for_domain"
    official.refresh_from_db()
    assert official.answer == ""


def test_a_domain_that_waits_or_counts_is_not_offered_again(
    proposed: AuthorisedDomain, reviewer: User, client: Client
) -> None:
    for _ in range(2):
        other = ask(
            VouchRequestFactory.create(
                application=ApplicationFactory.create(),
                kind=VouchKind.OFFICIAL,
                email="pro@uni.edu",
            )
        )
        assert "for a year" not in client.get(other).content.decode()
        if proposed.state == DomainState.PROPOSED:
            proposed = confirm_domain(proposed, by=reviewer)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_the_official_withdraws_through_their_link(
    proposed: AuthorisedDomain, reviewer: User, client: Client, path: str, is_confirmed: bool
) -> None:
    if is_confirmed:
        confirm_domain(proposed, by=reviewer)
    assert client.post(f"{path}withdraw/").headers["Location"] == path
    proposed.refresh_from_db()
    assert (proposed.state, proposed.withdrawn_by) == (DomainState.WITHDRAWN, None)
    assert find_authorisation("ann@uni.edu", at=timezone.now()) is None
    assert AuditEvent.objects.filter(tag=AuditTag.DOMAIN_WITHDRAWN).count() == 1
    again = client.post(f"{path}withdraw/")
    assert (again.status_code, "Nothing was changed" in again.content.decode()) == (200, True)


def test_a_reviewer_withdraws_for_a_reason(proposed: AuthorisedDomain, reviewer: User) -> None:
    confirm_domain(proposed, by=reviewer)
    with pytest.raises(DomainError) as refused:
        withdraw_domain(proposed, by=reviewer, note=" ")
    assert refusal(refused) == "text_missing"
    withdraw_domain(proposed, by=reviewer, note="She left.")
    with pytest.raises(DomainError) as refused:
        withdraw_domain(proposed, by=reviewer, note="Again.")
    assert refusal(refused) == "changed_meanwhile"


def test_a_declined_one_never_counts(proposed: AuthorisedDomain, reviewer: User) -> None:
    decline_domain(proposed, by=reviewer, note="A student.")
    with pytest.raises(DomainError) as refused:
        confirm_domain(proposed, by=reviewer)
    assert refusal(refused) == "changed_meanwhile"
    assert find_authorisation("ann@uni.edu", at=timezone.now()) is None


def test_who_applied_or_gave_it_does_not_confirm_it(
    proposed: AuthorisedDomain, waiting: Application
) -> None:
    applicant, official = (
        waiting.applicant,
        UserFactory.create(email="dean@uni.edu", is_reviewer=True),
    )
    User.objects.filter(pk=applicant.pk).update(is_reviewer=True)
    applicant.refresh_from_db()
    codes = []
    for person in (applicant, official, UserFactory.create()):
        with pytest.raises(DomainError) as refused:
            confirm_domain(proposed, by=person)
        codes.append(refusal(refused))
    assert codes == ["own_application", "own_address", "reviewers_only"]


def test_the_official_is_told_and_warned_once_before_the_end(
    proposed: AuthorisedDomain, reviewer: User, path: str
) -> None:
    send_due()
    mail.outbox.clear()
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        confirm_domain(proposed, by=reviewer)
        send_due()
        clock.move_to(start + YEAR - timedelta(days=30, seconds=1))
        assert warn_of_ends() == 0
        clock.move_to(start + YEAR - timedelta(days=30))
        assert (warn_of_ends(), warn_of_ends()) == (1, 0)
        send_due()
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        (["dean@uni.edu"], "uni.edu is authorised for a year"),
        (["dean@uni.edu"], "The authorisation of uni.edu ends soon"),
    ]
    assert [f"http://testserver{path}" in sent.body for sent in mail.outbox] == [True, True]


def test_an_official_who_is_erased_speaks_for_nobody(
    proposed: AuthorisedDomain, reviewer: User, client: Client, path: str
) -> None:
    confirm_domain(proposed, by=reviewer)
    client.post(f"{path}erase/")
    assert find_authorisation("ann@uni.edu", at=timezone.now()) is None


def test_the_console_confirms(proposed: AuthorisedDomain, reviewer: User, client: Client) -> None:
    client.force_login(reviewer)
    assert "uni.edu" in client.get("/console/domains/").content.decode()
    address = f"/console/domains/{proposed.pk}/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"command": "decline"}).status_code == 422
    assert client.post(address, {"command": "none"}).status_code == 422
    assert client.post(address, {"command": "confirm"}).status_code == 302
    proposed.refresh_from_db()
    assert (proposed.state, proposed.decided_by) == (DomainState.CONFIRMED, reviewer)
