"""The pages of leads, invited people and reviewers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.domain.letters import link_of
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import sign

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]


@pytest.fixture
def address(application: Application) -> str:
    return f"/access/applications/{application.case_number}/team/"


def test_a_lead_invites_resends_and_takes_back(
    client: Client, application: Application, address: str
) -> None:
    client.force_login(application.applicant)
    assert "No members yet" in client.get(address).content.decode()
    assert client.post(address, {"email": "mia"}).status_code == 422
    page = client.post(address, {"email": "mia@uni.edu"}, follow=True).content.decode()
    assert ("mia@uni.edu" in page, "Invited" in page) == (True, True)
    assert client.post(address, {"email": "mia@uni.edu"}).status_code == 422
    member = Member.objects.get()
    page = client.post(f"/access/team/{member.pk}/resend/", follow=True).content.decode()
    assert "less than an hour old" in page
    client.post(f"/access/team/{member.pk}/remove/")
    member.refresh_from_db()
    assert member.state == MemberState.CANCELLED
    assert "Your team of" in client.get("/access/").content.decode()


def test_the_way_in_is_told_step_by_step(
    client: Client, invited: Member, model: HostedModel
) -> None:
    path = link_of(invited)
    page = client.get(path).content.decode()
    assert ("Linda Lead invites you" in page, "Create an account" in page) == (True, True)
    person = UserFactory.create(verified=False)
    client.force_login(person)
    assert "Confirm your e-mail address" in client.get(path).content.decode()
    EmailAddress.objects.filter(user=person).update(verified=True)
    assert "Read and sign" in client.get(path).content.decode()
    refused = client.post(path)
    assert (refused.status_code, "Not joined yet" in refused.content.decode()) == (422, True)
    sign(person, model)
    assert client.post(path).headers["Location"] == "/access/"
    status = client.get("/access/").content.decode()
    assert ("In the team of Linda Lead" in status, model.name in status) == (True, True)
    used = client.get(path)
    assert used.status_code == 200
    assert "This invitation has been used" in used.content.decode()


def test_a_member_leaves(client: Client, member: Member, person: User) -> None:
    client.force_login(person)
    path = f"/access/team/{member.pk}/leave/"
    assert "Leave the team of Linda Lead?" in client.get(path).content.decode()
    client.post(path)
    member.refresh_from_db()
    assert (member.state, client.get(path).status_code) == (MemberState.LEFT, 404)


def test_an_invitation_is_declined_without_an_account(client: Client, invited: Member) -> None:
    path = link_of(invited)
    assert "Declined" in client.post(f"{path}decline/").content.decode()
    assert client.get(path).status_code == 404
    assert client.post(f"{path}decline/").status_code == 404


def test_a_team_becomes_a_class(client: Client, application: Application, address: str) -> None:
    client.force_login(application.applicant)
    past = {"ends_on": "2020-01-01"}
    assert client.post(f"{address}class/", past).status_code == 422
    future = {"ends_on": f"{timezone.now() + timedelta(days=9):%Y-%m-%d}"}
    page = client.post(f"{address}class/", future, follow=True).content.decode()
    assert "A class until" in page


def test_somebody_else_s_team_is_not_there(
    client: Client, member: Member, address: str, reviewer: User
) -> None:
    client.force_login(reviewer)
    assert client.get(address).status_code == 404
    assert client.post(f"/access/team/{member.pk}/remove/").status_code == 404


def test_a_reviewer_sees_and_removes_members(
    client: Client, application: Application, member: Member, reviewer: User
) -> None:
    client.force_login(reviewer)
    page = client.get(f"/console/applications/{application.case_number}/").content.decode()
    assert ("Mia Member" in page, "invited as mia@uni.edu" in page) == (True, True)
    path = f"/console/members/{member.pk}/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"reason": ""}).status_code == 422
    assert client.post(path, {"reason": "Not of the group."}).status_code == 302
    member.refresh_from_db()
    assert (member.state, member.reason) == (MemberState.REMOVED, "Not of the group.")


def test_a_reviewer_of_the_team_is_offered_no_decision(
    client: Client, application: Application, member: Member, person: User
) -> None:
    User.objects.filter(pk=person.pk).update(is_reviewer=True)
    Application.objects.filter(pk=application.pk).update(state="submitted")
    client.force_login(person)
    page = client.get(f"/console/applications/{application.case_number}/").content.decode()
    assert ("You are or were in a team with them" in page, "Reject for this reason" in page) == (
        True,
        False,
    )
