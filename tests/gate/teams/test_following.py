"""A member's access follows every change of the lead's, and ends with the membership."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from portal.gate.access.domain.decide import decide, usable_models
from portal.gate.access.domain.desk.claims import claim_application
from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.decisions import take_back_decision
from portal.gate.access.domain.process.reopening import reopen_application
from portal.gate.access.domain.process.reviews import approve_application
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.enums import ApplicationState, Capability, Code, GrantState
from portal.gate.access.models import Application, Grant
from portal.gate.access.signals import access_ended
from portal.gate.catalog.models import HostedModel
from portal.gate.renewals.domain.statements import give_back
from portal.gate.teams.domain.invitations import make_class
from portal.gate.teams.domain.leaving import expel_member, leave_team, remove_member
from portal.gate.teams.domain.upkeep import follow_leads
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.notices.domain.sending import send_due
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import TYPED

pytestmark = pytest.mark.django_db
API = Capability.API


def code_of(member: Member, use: Capability = API, *, at: timedelta = timedelta(0)) -> Code:
    """What `decide` says, which must agree with the list."""
    person, model = member.user, HostedModel.objects.get()
    assert person is not None
    moment = timezone.now() + at
    decision = decide(person, model, use, moment)
    assert usable_models(person, use, moment).exists() == decision.allowed
    return decision.code


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as refused:
        act()
    return refused.value.code


def test_it_is_suspended_resumed_and_revoked_with_the_lead_s(
    grant: Grant, member: Member, reviewer: User
) -> None:
    assert code_of(member) == Code.OK
    suspend_grant(grant, by=reviewer, reason="A question.")
    assert code_of(member) == Code.SUSPENDED
    resume_grant(grant, by=reviewer, reason="Answered.")
    assert code_of(member) == Code.OK
    revoke_grant(grant, by=reviewer, reason="Shared.")
    assert code_of(member) == Code.REVOKED


def test_it_ends_with_the_lead_s_to_the_second(grant: Grant, member: Member) -> None:
    second = timedelta(seconds=1)
    with time_machine.travel(timezone.now(), tick=False):
        left = grant.ends_at - timezone.now()
        codes = [code_of(member, at=left + step) for step in (-second, 0 * second, second)]
    assert codes == [Code.OK, Code.GRANT_EXPIRED, Code.GRANT_EXPIRED]


def test_it_is_never_wider_than_the_lead_s(grant: Grant, member: Member) -> None:
    Grant.objects.filter(pk=grant.pk).update(capabilities=[Capability.PLAYGROUND])
    assert code_of(member, Capability.PLAYGROUND) == Code.OK
    assert code_of(member) == Code.NO_APPLICATION
    assert code_of(member, Capability.WEIGHTS) == Code.NO_APPLICATION


def test_an_account_that_is_closed_leads_nobody(grant: Grant, member: Member) -> None:
    User.objects.filter(pk=grant.user_id).update(is_active=False)
    assert code_of(member) == Code.NO_APPLICATION


def test_everybody_s_running_runs_are_told_to_stop(
    grant: Grant,
    member: Member,
    reviewer: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[int] = []
    receiver = lambda *, user_id, **_: told.append(user_id)  # noqa: E731
    access_ended.connect(receiver, weak=False, dispatch_uid="test")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            suspend_grant(grant, by=reviewer, reason="A question.")
    finally:
        access_ended.disconnect(dispatch_uid="test")
    assert told == [grant.user_id, member.user_id]


def test_a_reviewer_stops_one_member_and_tells_that_one(
    grant: Grant, member: Member, reviewer: User
) -> None:
    send_due()
    mail.outbox.clear()
    derived = Grant.objects.get(user=member.user)
    suspend_grant(derived, by=reviewer, reason="A question.")
    send_due()
    assert [sent.to for sent in mail.outbox] == [["mia@uni.edu"]]
    assert code_of(member) == Code.SUSPENDED
    assert decide(grant.user, grant.model, API, timezone.now()).code == Code.OK


@pytest.mark.parametrize("how", ["revoke", "give_back"])
def test_what_was_taken_away_from_a_member_is_not_given_again(
    member: Member, reviewer: User, how: str
) -> None:
    derived = Grant.objects.get(user=member.user)
    assert member.user is not None
    if how == "revoke":
        revoke_grant(derived, by=reviewer, reason="Shared.")
    else:
        give_back(derived, by=member.user)
    assert follow_leads() == 0
    assert code_of(member) == (Code.REVOKED if how == "revoke" else Code.GRANT_EXPIRED)


@pytest.mark.parametrize("closes", [False, True])
def test_a_lead_who_gives_back_gives_back_for_all(
    grant: Grant, member: Member, closes: bool
) -> None:
    if closes:
        give_back(grant, by=grant.user)
    assert code_of(member) == (Code.GRANT_EXPIRED if closes else Code.OK)


def apply_again(lead: User, model: HostedModel) -> Application:
    draft = open_draft(lead)
    typed = {name: text for name, text in TYPED.items() if name != "capabilities"}
    submit_application(
        draft, by=lead, answers=Answers(**typed, models=(model,), capabilities=(API,))
    )
    return draft


def approve(application: Application, by: User, ends_at: timedelta) -> None:
    approve_application(
        application,
        by=by,
        models=list(application.models_wanted.all()),
        capabilities=[API],
        ends_at=timezone.now() + ends_at,
    )


def test_a_later_approval_of_the_lead_s_goes_on_for_the_team(
    grant: Grant, member: Member, reviewer: User
) -> None:
    longer = timedelta(days=700)
    approve(apply_again(grant.user, grant.model), reviewer, longer)
    assert code_of(member) == Code.OK
    assert code_of(member, at=timedelta(days=600)) == Code.GRANT_EXPIRED
    assert (follow_leads(), follow_leads()) == (1, 0)
    assert code_of(member, at=timedelta(days=600)) == Code.OK
    own = Grant.objects.get(user=grant.user, state=GrantState.ACTIVE)
    derived = Grant.objects.get(user=member.user, state=GrantState.ACTIVE)
    assert (derived.ends_at, derived.capabilities) == (own.ends_at, own.capabilities)


def test_reopening_and_taking_back_reach_the_team(
    application: Application, member: Member, reviewer: User, settings: object
) -> None:
    reopen_application(application, by=reviewer, reason="A mistake.")
    assert code_of(member) == Code.SUSPENDED
    settings.DECISION_HOLD_SECONDS = 600  # type: ignore[attr-defined]
    application.refresh_from_db()
    other = UserFactory.create(is_reviewer=True)
    approve(application, other, timedelta(days=30))
    application.refresh_from_db()
    take_back_decision(application, by=other)
    assert code_of(member) == Code.SUSPENDED
    derived = Grant.objects.filter(user=member.user)
    assert [grant.state for grant in derived] == [GrantState.ACTIVE]


def test_a_member_s_own_approval_takes_the_derived_grant_s_place(
    grant: Grant, member: Member, reviewer: User
) -> None:
    assert member.user is not None
    approve(apply_again(member.user, grant.model), reviewer, timedelta(days=700))
    revoke_grant(grant, by=reviewer, reason="Shared.")
    assert code_of(member) == Code.OK


@pytest.mark.parametrize("how", ["leave", "remove", "expel"])
def test_it_ends_with_the_membership(
    application: Application, member: Member, reviewer: User, how: str
) -> None:
    send_due()
    mail.outbox.clear()
    person = member.user
    assert person is not None
    match how:
        case "leave":
            leave_team(member, by=person)
        case "remove":
            remove_member(member, by=application.applicant)
        case _:
            expel_member(member, by=reviewer, reason="Not of the group.")
    send_due()
    member.refresh_from_db()
    derived = Grant.objects.get(user=person)
    assert (member.state, derived.state, code_of(member)) == (
        MemberState.LEFT if how == "leave" else MemberState.REMOVED,
        GrantState.ENDED,
        Code.NO_APPLICATION,
    )
    told = {"leave": {"lead"}, "remove": {"member"}, "expel": {"lead", "member"}}[how]
    addresses = {"lead": application.applicant.email, "member": person.email}
    assert sorted(sent.to[0] for sent in mail.outbox) == sorted(addresses[who] for who in told)
    assert refusal(lambda: remove_member(member, by=application.applicant)) == "changed_meanwhile"


def test_leaving_lifts_no_suspension(member: Member, reviewer: User) -> None:
    suspend_grant(Grant.objects.get(user=member.user), by=reviewer, reason="A question.")
    assert member.user is not None
    leave_team(member, by=member.user)
    assert code_of(member) == Code.REVOKED


def test_only_their_own_people_remove(
    application: Application, member: Member, reviewer: User
) -> None:
    assert refusal(lambda: leave_team(member, by=application.applicant)) == "not_your_membership"
    assert refusal(lambda: remove_member(member, by=reviewer)) == "not_your_application"
    assert refusal(lambda: expel_member(member, by=UserFactory.create(), reason="No.")) == (
        "reviewers_only"
    )
    assert refusal(lambda: expel_member(member, by=reviewer, reason=" ")) == "text_missing"


@pytest.mark.parametrize("has_left", [False, True])
def test_nobody_decides_about_their_team(
    grant: Grant, member: Member, reviewer: User, has_left: bool
) -> None:
    person, lead = member.user, grant.user
    assert person is not None
    if has_left:
        leave_team(member, by=person)
    User.objects.filter(pk__in=[person.pk, lead.pk]).update(is_reviewer=True)
    person.refresh_from_db()
    lead.refresh_from_db()
    of_lead = ApplicationFactory.create(applicant=lead, models_wanted=[grant.model])
    of_member = ApplicationFactory.create(applicant=person, models_wanted=[grant.model])
    assert refusal(lambda: approve(of_lead, person, timedelta(days=3))) == "own_team"
    assert refusal(lambda: claim_application(of_member, by=lead)) == "own_team"
    assert refusal(lambda: suspend_grant(grant, by=person, reason="No.")) == "own_team"
    derived = Grant.objects.get(user=person)
    assert refusal(lambda: revoke_grant(derived, by=lead, reason="No.")) == "own_team"
    approve(of_lead, reviewer, timedelta(days=3))
    of_lead.refresh_from_db()
    assert of_lead.state == ApplicationState.APPROVED


def test_a_class_uses_the_playground_alone_until_its_end(
    application: Application, member: Member
) -> None:
    ends_at = timezone.now() + timedelta(days=30)
    make_class(application, by=application.applicant, ends_at=ends_at)
    assert (code_of(member, Capability.PLAYGROUND), code_of(member)) == (
        Code.OK,
        Code.NO_APPLICATION,
    )
    assert code_of(member, Capability.PLAYGROUND, at=timedelta(days=31)) == Code.GRANT_EXPIRED
    make_class(application, by=application.applicant, ends_at=None)
    assert code_of(member) == Code.OK
    yesterday = timezone.now() - timedelta(days=1)
    act = lambda: make_class(application, by=application.applicant, ends_at=yesterday)  # noqa: E731
    assert refusal(act) == "end_not_in_future"
