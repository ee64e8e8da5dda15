"""Inviting and joining."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.numbers.reconcile import find_differences
from portal.gate.access.domain.screening.denylist import deny
from portal.gate.access.enums import ApplicationState, Capability, DenialKind, GrantState
from portal.gate.access.models import Application, Grant
from portal.gate.teams.domain.invitations import invite_again, invite_member
from portal.gate.teams.domain.joining import decline_invitation, join_team, read_invitation
from portal.gate.teams.domain.leaving import remove_member
from portal.gate.teams.domain.letters import link_of
from portal.gate.teams.domain.upkeep import forget_invitations
from portal.gate.teams.enums import InvitationStanding, MemberState
from portal.gate.teams.models import Member
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.notices.domain.sending import send_due
from portal.platform.notices.models import Notice
from tests.factories.access import ApplicationFactory, RulingFactory, StepFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as refused:
        act()
    return refused.value.code


def standing(path: str, *, at: timedelta = timedelta(0)) -> InvitationStanding:
    _, _, pk, token, _ = path.split("/")
    return read_invitation(int(pk), token, at=timezone.now() + at).standing


def test_who_joins_gets_a_grant_of_their_own_that_follows_the_lead_s(
    grant: Grant, invited: Member, person: User
) -> None:
    assert Grant.objects.filter(user=person).count() == 0
    join_team(invited, by=person)
    derived = Grant.objects.get(user=person)
    assert (derived.lead, derived.model, derived.application, derived.ends_at, derived.state) == (
        grant.user,
        grant.model,
        grant.application,
        grant.ends_at,
        GrantState.ACTIVE,
    )
    assert derived.capabilities == ["api", "playground"]
    tags = AuditEvent.objects.order_by("id").values_list("tag", flat=True)
    assert list(tags) == ["teams.member.invited", "access.grant.made", "teams.member.joined"]
    assert find_breaks() == []
    assert f"grant:{derived.pk}" not in find_differences()


def test_nobody_joins_before_they_have_signed(invited: Member) -> None:
    stranger = UserFactory.create()
    with pytest.raises(DomainError) as refused:
        join_team(invited, by=stranger)
    assert refused.value.code == "licence_unsigned"
    assert (refused.value.next_url or "").startswith("/licence/")
    assert Grant.objects.filter(user=stranger).count() == 0


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("lead", "own_team"),
        ("unverified", "email_unverified"),
        ("denied", "denied"),
        ("decider", "decided_before"),
    ],
)
def test_who_may_not_join(
    application: Application, invited: Member, person: User, reviewer: User, who: str, code: str
) -> None:
    if who == "lead":
        person = application.applicant
    if who == "unverified":
        EmailAddress.objects.filter(user=person).update(verified=False)
    if who == "denied":
        deny(
            kind=DenialKind.PERSON,
            by=reviewer,
            person=person,
            reason="Shared.",
            ends_at=timezone.now() + timedelta(days=1),
        )
    if who == "decider":
        step = StepFactory.create(application=application, actor=person, command="approve")
        RulingFactory.create(step=step)
    assert refusal(lambda: join_team(invited, by=person)) == code


def test_the_link_works_once_and_is_kept_nowhere(
    invited: Member, person: User, application: Application
) -> None:
    path = link_of(invited)
    send_due()
    assert [path in sent.body for sent in mail.outbox] == [True]
    assert path.split("/")[3] not in str(list(Notice.objects.values_list("body", "data")))
    assert standing(path) == InvitationStanding.OPEN
    assert standing(path, at=timedelta(days=14)) == InvitationStanding.EXPIRED
    assert standing(f"/join/{invited.pk}/guess/") == InvitationStanding.WRONG
    join_team(invited, by=person)
    assert standing(path) == InvitationStanding.USED
    assert refusal(lambda: join_team(invited, by=UserFactory.create())) == "link_used"


def test_a_mail_each_for_the_invited_and_the_lead(
    invited: Member, person: User, application: Application
) -> None:
    join_team(invited, by=person)
    send_due()
    assert {(sent.to[0], sent.subject) for sent in mail.outbox} == {
        (application.applicant.email, "Mia Member has joined your team")
    }


def test_a_new_link_makes_the_old_one_worthless(invited: Member, application: Application) -> None:
    old = link_of(invited)

    def again() -> Member:
        return invite_again(invited, by=application.applicant)

    assert refusal(again) == "too_soon"
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        new = link_of(again())
        assert (standing(old), standing(new)) == (
            InvitationStanding.WRONG,
            InvitationStanding.OPEN,
        )


def test_a_team_is_bounded_by_the_setting(
    application: Application, invited: Member, settings: Settings
) -> None:
    settings.TEAM_MEMBERS = 1

    def more() -> Member:
        return invite_member(application, by=application.applicant, email="a@b.org")

    assert refusal(more) == "team_full"
    remove_member(invited, by=application.applicant)
    assert more().state == MemberState.INVITED
    settings.TEAM_MEMBERS = 0
    assert refusal(more) == "no_team"


def test_the_same_address_and_one_s_own_are_not_invited(
    application: Application, invited: Member
) -> None:
    lead = application.applicant
    assert refusal(lambda: invite_member(application, by=lead, email="Mia@Uni.edu")) == (
        "invited_already"
    )
    assert refusal(lambda: invite_member(application, by=lead, email=lead.email)) == "own_address"
    assert refusal(
        lambda: invite_member(application, by=UserFactory.create(), email="a@b.org")
    ) == ("not_your_application")


@pytest.mark.parametrize("change", ["state", "grant", "held"])
def test_only_access_in_force_has_a_team(
    application: Application, grant: Grant, invited: Member, change: str
) -> None:
    if change == "state":
        Application.objects.update(state=ApplicationState.IN_REVIEW)
    if change == "grant":
        Grant.objects.filter(pk=grant.pk).update(state=GrantState.SUSPENDED)
    if change == "held":
        Application.objects.update(effective_at=timezone.now() + timedelta(minutes=5))
    act = lambda: invite_member(application, by=application.applicant, email="a@b.org")  # noqa: E731
    assert refusal(act) == "no_team"
    assert standing(link_of(invited)) == InvitationStanding.CLOSED


def test_who_declines_is_forgotten(invited: Member, application: Application) -> None:
    path = link_of(invited)
    decline_invitation(invited)
    invited.refresh_from_db()
    assert (invited.state, invited.email) == (MemberState.DECLINED, "")
    assert standing(path) == InvitationStanding.WRONG
    send_due()
    assert [sent.subject for sent in mail.outbox] == ["mia@uni.edu has declined your invitation"]


def test_an_invitation_that_came_to_nothing_is_forgotten(invited: Member) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=44, minutes=-1), tick=False):
        assert forget_invitations() == 0
    with time_machine.travel(timezone.now() + timedelta(days=44, minutes=1), tick=False):
        assert forget_invitations() == 1
    invited.refresh_from_db()
    assert (invited.state, invited.email) == (MemberState.CANCELLED, "")


def test_what_one_holds_on_one_s_own_stays(grant: Grant, invited: Member, person: User) -> None:
    own = Grant.objects.create(
        user=person,
        model=grant.model,
        application=ApplicationFactory.create(applicant=person, state=ApplicationState.APPROVED),
        capabilities=[Capability.WEIGHTS],
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
    )
    join_team(invited, by=person)
    assert list(Grant.objects.filter(user=person)) == [own]
