"""Who may not decide, rule by rule: `teams` says who is near, `test_following.py` by what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress

from portal.gate.access.domain.workflow.separation import (
    deciders,
    domain_of,
    is_outsider,
    nearness,
    require_free_claim,
    require_fresh_eyes,
    require_other,
    require_outsider,
    require_role,
    shares_domain,
)
from portal.gate.access.enums import Command, Role
from portal.gate.access.models import Application, Grant, Ruling
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.access import ApplicationFactory, GrantFactory, RulingFactory, StepFactory
from tests.factories.accounts import UserFactory
from tests.factories.teams import MemberFactory, TeamFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
IN_TEAM = "or were in a team with them"


@pytest.fixture
def grant(db: None) -> Grant:
    return GrantFactory.create()


@pytest.fixture
def mate(grant: Grant) -> User:
    """A reviewer in the team of the grant's holder."""
    mate = UserFactory.create(is_reviewer=True)
    MemberFactory.create(team=TeamFactory.create(application=grant.application), user=mate)
    return mate


def refusal(act: Callable[[], None]) -> tuple[str, str, str | None] | None:
    """Code, sentence and field; None where nothing is refused."""
    try:
        act()
    except DomainError as error:
        return error.code, error.message, error.field
    return None


def test_the_system_needs_no_person_and_everybody_else_is_one() -> None:
    require_role(None, Role.SYSTEM, owner_id=1, what="grant")
    for role in (Role.APPLICANT, Role.REVIEWER):
        with pytest.raises(ValueError, match=r"^only the system acts without a person$"):
            require_role(None, role, owner_id=1, what="grant")


def test_an_applicant_is_the_owner_and_nobody_else() -> None:
    owner, reviewer = UserFactory.create(), UserFactory.create(is_reviewer=True)

    def ask(by: User) -> Callable[[], None]:
        return lambda: require_role(by, Role.APPLICANT, owner_id=owner.pk, what="grant")

    assert refusal(ask(owner)) is None
    assert refusal(ask(reviewer)) == (
        "not_your_grant", "This grant belongs to somebody else.", None
    )  # fmt: skip


@pytest.mark.parametrize(
    ("is_reviewer", "is_active", "answer"),
    [
        (True, True, None),
        (True, False, ("reviewers_only", "Only a reviewer can do this.", None)),
        (False, True, ("reviewers_only", "Only a reviewer can do this.", None)),
    ],
)
def test_a_reviewer_reviews_and_has_an_open_account(
    is_reviewer: bool, is_active: bool, answer: object
) -> None:
    by = UserFactory.create(is_reviewer=is_reviewer, is_active=is_active)

    assert (
        refusal(lambda: require_role(by, Role.REVIEWER, owner_id=by.pk + 1, what="grant")) == answer
    )


def test_no_reviewer_decides_about_themselves_or_their_team(grant: Grant, mate: User) -> None:
    def ask(owner: User) -> Callable[[], None]:
        return lambda: require_role(mate, Role.REVIEWER, owner_id=owner.pk, what="renewal")

    assert refusal(ask(mate)) == (
        "own_renewal", "This is your own renewal. Another reviewer decides.", None
    )  # fmt: skip
    assert refusal(ask(grant.user)) == (
        "own_team", f"You are {IN_TEAM}. Another reviewer decides.", None
    )  # fmt: skip


def test_what_is_decided_about_is_an_application_unless_told_otherwise(mate: User) -> None:
    assert refusal(lambda: require_outsider(mate.pk, by=mate)) == (
        "own_application", "This is your own application. Another reviewer decides.", None
    )  # fmt: skip


def test_nearness_is_in_words_and_empty_for_strangers(grant: Grant, mate: User) -> None:
    stranger = UserFactory.create(is_reviewer=True)

    assert [nearness(grant.user_id, each) for each in (mate, stranger)] == [IN_TEAM, ""]
    assert [is_outsider(grant.user_id, each) for each in (grant.user, mate, stranger)] == [
        False, False, True
    ]  # fmt: skip


def test_a_person_is_spoken_to_as_one_and_the_field_is_named() -> None:
    by = UserFactory.create()

    assert refusal(lambda: require_other(by.pk, by=by, what="person", field="value")) == (
        "own_person", "This is about you. Another reviewer decides.", "value"
    )  # fmt: skip
    assert refusal(lambda: require_other(None, by=by, what="person")) is None


def test_a_claim_keeps_off_everybody_but_its_holder_until_its_second() -> None:
    holder = UserFactory.create(is_reviewer=True, name="Rita Reviewer")
    other = UserFactory.create(is_reviewer=True)
    claimed = ApplicationFactory.create(claimed_by=holder, claim_ends_at=NOW)

    def ask(by: User, at: datetime, claimed: Application = claimed) -> Callable[[], None]:
        return lambda: require_free_claim(claimed, by=by, at=at)

    words = (
        "Rita Reviewer holds this application until 23 November, 12:00 UTC. "
        "They can hand it over or release it."
    )
    assert refusal(ask(other, NOW - SECOND)) == ("claimed_by_other", words, None)
    assert refusal(ask(holder, NOW - SECOND)) is None
    assert refusal(ask(other, NOW)) is None
    assert refusal(ask(other, NOW, ApplicationFactory.create())) is None


def decide(application: Application, at: datetime, *, by: User, command: Command) -> None:
    step = StepFactory.create(application=application, actor=by, command=command, at=at)
    RulingFactory.create(step=step)


def test_an_appeal_is_for_who_did_not_refuse_it() -> None:
    first, second, other = UserFactory.create_batch(3, is_reviewer=True)
    application = ApplicationFactory.create(appealed_at=NOW)
    decide(application, NOW - SECOND, by=first, command=Command.REJECT)
    decide(application, NOW, by=second, command=Command.REJECT)

    def ask(by: User) -> Callable[[], None]:
        return lambda: require_fresh_eyes(application, by=by)

    assert refusal(ask(first)) == (
        "decided_before",
        "You decided on this application before it was appealed. Another reviewer decides.",
        None,
    )
    # The refusal of an appeal is its answer, and may be mended by who gave it.
    assert [refusal(ask(each)) for each in (second, other)] == [None, None]
    Application.objects.filter(pk=application.pk).update(appealed_at=None)
    application.refresh_from_db()
    assert refusal(ask(first)) is None


def test_deciders_are_those_whose_decisions_stand() -> None:
    approver, refuser, returner, undone = UserFactory.create_batch(4, is_reviewer=True)
    application = ApplicationFactory.create()
    decide(application, NOW, by=approver, command=Command.APPROVE)
    decide(application, NOW + SECOND, by=refuser, command=Command.REJECT)
    decide(application, NOW, by=returner, command=Command.RETURN)
    decide(application, NOW, by=undone, command=Command.REJECT)
    Ruling.objects.filter(step__actor=undone).update(taken_back_at=NOW)

    assert deciders(application) == {approver.pk, refuser.pk}
    assert deciders(application, before=NOW + SECOND) == {approver.pk}
    assert deciders(application, before=NOW) == set()
    assert deciders(ApplicationFactory.create()) == set()


@pytest.mark.parametrize(
    ("given", "account", "reviewer", "is_same"),
    [
        ("ada@uni.example", "ada@other.example", "rita@uni.example", True),
        ("ada@uni.example", "ada@other.example", "rita@other.example", False),
        ("", "ada@uni.example", "rita@UNI.example", True),
        ("", "ada@uni.example", "rita@cs.uni.example", False),
    ],
)
def test_domains_are_those_of_the_application_or_else_of_the_account(
    given: str, account: str, reviewer: str, is_same: bool
) -> None:
    applicant = UserFactory.create(email=account)
    application = ApplicationFactory.create(
        applicant=applicant, applicant_email=given, is_draft=not given
    )

    assert shares_domain(application, UserFactory.create(email=reviewer)) == is_same


def test_an_address_that_is_not_confirmed_shares_nothing() -> None:
    application = ApplicationFactory.create(applicant_email="ada@uni.example")
    reviewer = UserFactory.create(email="rita@uni.example")
    EmailAddress.objects.filter(user=reviewer).update(verified=False)

    assert shares_domain(application, reviewer) is False


def test_the_domain_is_what_follows_the_last_at() -> None:
    assert domain_of('"a@b"@CS.Uni.Example') == "cs.uni.example"
    assert domain_of("ada@bücher.example") == domain_of("ada@xn--bcher-kva.example")
