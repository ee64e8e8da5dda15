"""The applicant's page about their vouchers, and the reviewer's facts."""

from __future__ import annotations

import pytest
from django.test import Client

from portal.gate.access.models import Application
from portal.gate.vouching.models import VouchRequest
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.vouching import VouchRequestFactory, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
ADDRESS = "/access/vouching/"
REFEREE = {
    "referee-name": "Rosalind Referee",
    "referee-email": "rosalind@uni.edu",
    "referee-institution": "University of the References",
}


@pytest.fixture
def applicant(client: Client, waiting: Application) -> Client:
    client.force_login(waiting.applicant)
    return client


def test_a_referee_is_named_and_seen(applicant: Client, waiting: Application) -> None:
    response = applicant.post(f"{ADDRESS}referee/name/", REFEREE)
    assert response.headers["Location"] == ADDRESS
    for address in (ADDRESS, "/access/"):
        page = applicant.get(address).content.decode()
        assert ("Rosalind Referee" in page, "On its way" in page) == (True, True)


def test_what_is_wrong_is_said_at_the_field(applicant: Client, waiting: Application) -> None:
    own = {**REFEREE, "referee-email": waiting.applicant.email}
    page = applicant.post(f"{ADDRESS}referee/name/", own)
    assert (page.status_code, "This is your own address." in page.content.decode()) == (422, True)
    assert applicant.post(f"{ADDRESS}referee/name/", {}).status_code == 422
    assert applicant.post(f"{ADDRESS}nobody/name/", REFEREE).status_code == 404


def test_sending_again_too_soon_is_explained(applicant: Client, waiting: Application) -> None:
    ask(VouchRequestFactory.create(application=waiting))
    page = applicant.post(f"{ADDRESS}referee/resend/", follow=True).content.decode()
    assert "less than an hour old" in page


def test_without_an_application_there_is_nobody_to_name(client: Client) -> None:
    client.force_login(UserFactory.create())
    assert "No application is open" in client.get(ADDRESS).content.decode()
    client.post(f"{ADDRESS}referee/name/", REFEREE)
    client.post(f"{ADDRESS}referee/resend/")
    assert VouchRequest.objects.count() == 0


def test_the_applicant_never_reads_the_answer(applicant: Client, waiting: Application) -> None:
    path = ask(VouchRequestFactory.create(application=waiting))
    Client().post(path, {"answer": "cannot_confirm", "text": "A charlatan."})
    for address in (ADDRESS, "/access/", f"/access/applications/{waiting.case_number}/"):
        page = applicant.get(address).content.decode()
        assert ("charlatan" in page, "annot confirm" in page) == (False, False)
    assert "Answered" in applicant.get(ADDRESS).content.decode()


def test_the_reviewer_reads_the_answer_with_its_source(
    client: Client, waiting: Application, reviewer: User
) -> None:
    request = VouchRequestFactory.create(application=waiting)
    Client().post(ask(request), {"answer": "confirm", "text": "<b>Brilliant</b>."})
    client.force_login(reviewer)
    page = client.get(f"/console/applications/{waiting.case_number}/").content.decode()
    assert "Rosalind Referee, University of the References: confirms" in page
    assert f"by a link sent to {request.email}" in page
    assert ("&lt;b&gt;Brilliant" in page, "<b>Brilliant" in page) == (True, False)
