"""What a grant that follows a lead's is worth, and the list of models beside every answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.domain.decide import NextStep, decide, usable_models
from portal.gate.access.enums import ApplicationState, Capability, Code, GrantState
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory
from tests.gate.access.conftest import sign

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
API, PLAYGROUND, WEIGHTS = Capability.API, Capability.PLAYGROUND, Capability.WEIGHTS
ACTIVE, SUSPENDED, REVOKED = GrantState.ACTIVE, GrantState.SUSPENDED, GrantState.REVOKED


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lead(db: None) -> User:
    return UserFactory.create()


@pytest.fixture
def user(model: HostedModel) -> User:
    return sign(UserFactory.create(), model)


def ask(user: User, model: HostedModel, use: Capability = API, *, at: datetime = NOW) -> Code:
    """What `decide` answers, and that the list of models says the same."""
    code = decide(user, model, use, at).code
    assert (model in usable_models(user, use, at)) == (code == Code.OK)
    return code


def give(user: User, model: HostedModel, **fields: Any) -> None:
    GrantFactory.create(user=user, model=model, **fields)


def test_a_follower_may_what_both_may(model: HostedModel, user: User, lead: User) -> None:
    give(lead, model, capabilities=[API, WEIGHTS])
    give(user, model, lead=lead, capabilities=[API, PLAYGROUND])

    answers = [ask(user, model, use) for use in (API, PLAYGROUND, WEIGHTS)]
    assert answers == [Code.OK, Code.NO_APPLICATION, Code.NO_APPLICATION]


@pytest.mark.parametrize(("own", "leads"), [(DAY, 2 * DAY), (2 * DAY, DAY)])
def test_a_follower_may_as_long_as_both_may(
    model: HostedModel, user: User, lead: User, own: timedelta, leads: timedelta
) -> None:
    give(lead, model, ends_at=NOW + leads)
    give(user, model, lead=lead, ends_at=NOW + own)

    answers = [ask(user, model, at=NOW + DAY - wait) for wait in (SECOND, 0 * SECOND)]
    assert answers == [Code.OK, Code.GRANT_EXPIRED]


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize(
    ("leads", "own", "code"),
    [
        (SUSPENDED, ACTIVE, Code.SUSPENDED),
        (REVOKED, ACTIVE, Code.REVOKED),
        (ACTIVE, SUSPENDED, Code.SUSPENDED),
        (ACTIVE, REVOKED, Code.REVOKED),
        (REVOKED, SUSPENDED, Code.SUSPENDED),
    ],
)
def test_what_is_taken_from_either_is_taken_from_the_follower(
    lead: User, tier: Tier, leads: GrantState, own: GrantState, code: Code
) -> None:
    model = HostedModelFactory.create(tier=tier)
    user = sign(UserFactory.create(), model)
    give(lead, model, state=leads)
    give(user, model, lead=lead, state=own)

    assert ask(user, model) == code


@pytest.mark.parametrize("tier", list(Tier))
def test_of_several_the_newest_of_the_leads_counts(lead: User, tier: Tier) -> None:
    model = HostedModelFactory.create(tier=tier)
    user = sign(UserFactory.create(), model)
    give(user, model, lead=lead)
    give(lead, model, state=SUSPENDED, starts_at=NOW - 2 * DAY)
    give(lead, model, state=REVOKED, starts_at=NOW - 3 * DAY)

    assert ask(user, model) == Code.SUSPENDED
    give(lead, model, state=GrantState.CLOSED, starts_at=NOW - DAY, ends_at=NOW)
    assert ask(user, model) == (Code.OK if tier == Tier.SIGNATURE else Code.GRANT_EXPIRED)
    User.objects.filter(pk=lead.pk).update(is_active=False)
    assert ask(user, model) == (Code.OK if tier == Tier.SIGNATURE else Code.NO_APPLICATION)


def test_a_lead_who_lends_nothing_stands_before_what_was_revoked_earlier(
    model: HostedModel, user: User, lead: User
) -> None:
    give(user, model, state=REVOKED, starts_at=NOW - 2 * DAY)
    assert ask(user, model) == Code.REVOKED

    give(user, model, lead=lead)

    assert ask(user, model) == Code.NO_APPLICATION


def test_who_follows_lends_nothing(model: HostedModel, user: User, lead: User) -> None:
    above = UserFactory.create()
    give(above, model)
    give(lead, model, lead=above)
    give(user, model, lead=lead)

    assert ask(user, model) == Code.NO_APPLICATION


def test_nothing_is_worth_more_than_the_leads_open_account(
    model: HostedModel, user: User, lead: User
) -> None:
    give(lead, model)
    give(user, model, lead=lead)
    assert ask(user, model) == Code.OK

    User.objects.filter(pk=lead.pk).update(is_active=False)

    assert ask(user, model) == Code.NO_APPLICATION


def test_a_follower_follows_their_own_lead_on_the_same_model(
    model: HostedModel, user: User, lead: User
) -> None:
    give(UserFactory.create(), model)
    give(lead, HostedModelFactory.create())
    give(user, model, lead=lead)

    assert ask(user, model) == Code.NO_APPLICATION


@pytest.mark.parametrize("follows", [False, True])
def test_a_grant_begins_at_its_second(
    model: HostedModel, user: User, lead: User, follows: bool
) -> None:
    give(lead, model, starts_at=NOW, state=ACTIVE)
    give(user, model, starts_at=NOW - follows * DAY, lead=lead if follows else None)

    answers = [ask(user, model, at=NOW - wait) for wait in (SECOND, 0 * SECOND)]
    assert answers == [Code.NO_APPLICATION, Code.OK]


@pytest.mark.parametrize("tier", list(Tier))
def test_of_the_same_second_the_later_one_says_how_things_stand(tier: Tier) -> None:
    model = HostedModelFactory.create(tier=tier)
    user = sign(UserFactory.create(), model)
    for state in (SUSPENDED, REVOKED):
        give(user, model, state=state, starts_at=NOW - DAY)
    assert ask(user, model) == Code.REVOKED

    other = sign(UserFactory.create(), model)
    for days, state in ((2, SUSPENDED), (3, REVOKED)):
        give(other, model, state=state, starts_at=NOW - days * DAY)
    assert ask(other, model) == Code.SUSPENDED


def test_what_was_given_back_counts_no_more_though_its_time_is_not_up(
    model: HostedModel, user: User
) -> None:
    give(user, model, state=GrantState.CLOSED)

    assert ask(user, model) == Code.GRANT_EXPIRED


@pytest.mark.parametrize("state", [SUSPENDED, REVOKED])
def test_what_closes_a_model_that_signatures_open_is_ones_own(state: GrantState) -> None:
    model, other = HostedModelFactory.create_batch(2, tier=Tier.SIGNATURE)
    user, stranger = (sign(sign(UserFactory.create(), model), other) for _ in range(2))
    give(user, other, state=state)
    give(stranger, model, state=state)

    assert [ask(user, each, PLAYGROUND) for each in (model, other)] == [Code.OK, Code(state)]
    assert [ask(stranger, each, PLAYGROUND) for each in (model, other)] == [Code(state), Code.OK]
    assert ask(user, model, WEIGHTS) == Code.NO_APPLICATION


def test_a_grant_for_one_model_opens_no_other(model: HostedModel, user: User) -> None:
    other = HostedModelFactory.create()
    sign(user, other)
    give(user, other)
    give(UserFactory.create(), model)

    assert [ask(user, each) for each in (model, other)] == [Code.NO_APPLICATION, Code.OK]


def test_everybody_signs_for_themselves_and_each_licence(model: HostedModel) -> None:
    other = HostedModelFactory.create()
    user, signer = UserFactory.create(), sign(UserFactory.create(), model)
    sign(user, other)
    for person in (user, signer):
        give(person, model)

    assert [ask(person, model) for person in (user, signer)] == [Code.LICENCE_UNSIGNED, Code.OK]
    new, _ = (
        LicenceVersionFactory.create(
            licence=each.release.licence, number=2, effective_at=NOW, grace_days=0
        )
        for each in (model, other)
    )
    assert ask(signer, model) == Code.LICENCE_OUTDATED
    SignatureFactory.create(user=UserFactory.create(), version=new)
    SignatureFactory.create(user=signer, version=other.release.licence.versions.get(number=2))
    assert ask(signer, model) == Code.LICENCE_OUTDATED
    SignatureFactory.create(user=signer, version=new)
    assert ask(signer, model) == Code.OK


def test_within_the_grace_of_a_first_version_too_everybody_signs_it_themselves() -> None:
    licence = LicenceFactory.create()
    version = LicenceVersionFactory.create(licence=licence, effective_at=NOW, grace_days=30)
    model = HostedModelFactory.create(release=ReleaseFactory.create(licence=licence))
    user = sign(UserFactory.create(), HostedModelFactory.create())
    give(user, model)
    SignatureFactory.create(version=version)

    assert ask(user, model) == Code.LICENCE_UNSIGNED
    SignatureFactory.create(user=user, version=version)
    assert ask(user, model) == Code.OK


def test_a_change_of_another_licence_outdates_nothing(model: HostedModel, user: User) -> None:
    give(user, model)
    LicenceVersionFactory.create(number=2, effective_at=NOW, grace_days=0)

    assert ask(user, model) == Code.OK


def test_a_closed_account_is_nobodys(model: HostedModel, user: User) -> None:
    give(user, model)
    user.is_active = False
    user.save()

    assert ask(user, model) == Code.NOT_SIGNED_IN
    assert decide(user, model, API, NOW).next_step == NextStep("Sign in", "/account/login/")


def test_the_way_out_names_the_licence(model: HostedModel, user: User) -> None:
    address = f"/licence/{model.release.licence.slug}/sign/"

    unsigned = decide(UserFactory.create(), model, API, NOW)
    LicenceVersionFactory.create(
        licence=model.release.licence, number=2, effective_at=NOW, grace_days=0
    )
    outdated = decide(user, model, API, NOW)

    assert unsigned.next_step == NextStep("Read and sign the licence", address)
    assert outdated.next_step == NextStep("Read and sign the new version", address)


def test_a_held_decision_is_told_at_its_second(model: HostedModel, user: User) -> None:
    ApplicationFactory.create(
        applicant=user, state=ApplicationState.REJECTED, models_wanted=[model], effective_at=NOW
    )

    answers = [ask(user, model, at=NOW - wait) for wait in (SECOND, 0 * SECOND)]
    assert answers == [Code.PENDING, Code.REJECTED]


def test_the_list_brings_the_licences_along(
    model: HostedModel, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    give(user, model)
    listed = usable_models(user, API, NOW)

    with django_assert_num_queries(1):
        assert [each.release.licence.slug for each in listed] == [model.release.licence.slug]


def test_an_open_door_leads_nowhere_else(model: HostedModel, user: User) -> None:
    give(user, model)

    assert decide(user, model, API, NOW).next_step is None
