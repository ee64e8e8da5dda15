"""The gate: every answer it can give, the very second a grant ends, and the list beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import AnonymousUser
from django.urls import resolve
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.domain.decide import Decision, decide, usable_models
from portal.gate.access.enums import ApplicationState, Capability, Code, GrantState
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.licensing import LicenceVersionFactory
from tests.gate.access.conftest import sign

pytestmark = pytest.mark.django_db
PLAYGROUND = Capability.PLAYGROUND


def ask(user: User | AnonymousUser, model: HostedModel, use: Capability = PLAYGROUND) -> Decision:
    return decide(user, model, use, timezone.now())


def _email_unverified(model: HostedModel) -> User:
    user = sign(UserFactory.create(verified=False), model)
    GrantFactory.create(user=user, model=model)
    return user


def _mfa_required(model: HostedModel) -> User:
    reviewer = sign(UserFactory.create(is_reviewer=True), model)
    GrantFactory.create(user=reviewer, model=model)
    return reviewer


def _licence_outdated(model: HostedModel) -> User:
    user = sign(UserFactory.create(), model)
    LicenceVersionFactory.create(
        licence=model.release.licence, number=2, effective_at=timezone.now() - timedelta(days=31)
    )
    return user


def _with_application(state: ApplicationState) -> Callable[[HostedModel], User]:
    def make(model: HostedModel) -> User:
        user = sign(UserFactory.create(), model)
        ApplicationFactory.create(applicant=user, state=state, models_wanted=[model])
        return user

    return make


def _with_grant(**fields: Any) -> Callable[[HostedModel], User]:
    def make(model: HostedModel) -> User:
        user = sign(UserFactory.create(), model)
        GrantFactory.create(user=user, model=model, **fields)
        return user

    return make


def _offline_with(*capabilities: Capability) -> Callable[[HostedModel], User]:
    def make(model: HostedModel) -> User:
        HostedModel.objects.filter(pk=model.pk).update(status="not_loaded")
        model.refresh_from_db()
        return _with_grant(capabilities=list(capabilities))(model)

    return make


SITUATIONS: dict[Code, tuple[Callable[[HostedModel], User | AnonymousUser], str | None]] = {
    Code.OK: (_with_grant(), None),
    Code.NOT_SIGNED_IN: (lambda _: AnonymousUser(), "account_login"),
    Code.EMAIL_UNVERIFIED: (_email_unverified, "account_email"),
    Code.MFA_REQUIRED: (_mfa_required, "mfa_index"),
    Code.LICENCE_UNSIGNED: (lambda _: UserFactory.create(), "licensing:sign"),
    Code.LICENCE_OUTDATED: (_licence_outdated, "licensing:sign"),
    Code.NO_APPLICATION: (lambda model: sign(UserFactory.create(), model), "access:apply"),
    Code.PENDING: (_with_application(ApplicationState.SUBMITTED), "access:status"),
    Code.RETURNED: (_with_application(ApplicationState.RETURNED), "access:status"),
    Code.REJECTED: (_with_application(ApplicationState.REJECTED), "access:status"),
    Code.GRANT_EXPIRED: (
        _with_grant(
            ends_at=datetime(2026, 1, 1, tzinfo=UTC), starts_at=datetime(2025, 1, 1, tzinfo=UTC)
        ),
        "access:status",
    ),
    Code.SUSPENDED: (_with_grant(state=GrantState.SUSPENDED), "access:status"),
    Code.REVOKED: (_with_grant(state=GrantState.REVOKED), "access:status"),
    Code.MODEL_OFFLINE: (_offline_with(Capability.PLAYGROUND), "catalog:models"),
}


@pytest.mark.parametrize("code", SITUATIONS)
def test_every_code_is_reached_and_leads_on(
    code: Code, model: HostedModel, settings: Settings
) -> None:
    settings.REQUIRE_STAFF_MFA = True
    make_user, view_name = SITUATIONS[code]
    user = make_user(model)
    decision = ask(user, model)
    next_step = decision.next_step
    assert (decision.code, decision.allowed) == (code, code == Code.OK)
    if isinstance(user, User):
        listed = usable_models(user, PLAYGROUND, timezone.now())
        assert list(listed) == ([model] if code == Code.OK else [])
    assert decision.message
    assert (resolve(next_step.url).view_name if next_step else None) == view_name


def test_every_code_is_accounted_for() -> None:
    """The quota is checked where it is reserved, not here."""
    assert set(SITUATIONS) == set(Code) - {Code.QUOTA_EXCEEDED}


def test_a_second_factor_opens_the_door_to_a_reviewer(
    model: HostedModel, settings: Settings
) -> None:
    settings.REQUIRE_STAFF_MFA = True
    reviewer = sign(UserFactory.create(is_reviewer=True), model)
    GrantFactory.create(user=reviewer, model=model)
    Authenticator.objects.create(user=reviewer, type=Authenticator.Type.TOTP, data={})
    assert ask(reviewer, model).code == Code.OK


@pytest.mark.parametrize(
    ("seconds", "code"), [(-1, Code.OK), (0, Code.GRANT_EXPIRED), (1, Code.GRANT_EXPIRED)]
)
def test_a_grant_ends_at_its_very_second(model: HostedModel, seconds: int, code: Code) -> None:
    ends_at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    user = sign(UserFactory.create(), model)
    GrantFactory.create(
        user=user, model=model, starts_at=ends_at - timedelta(days=1), ends_at=ends_at
    )
    with time_machine.travel(ends_at + timedelta(seconds=seconds), tick=False):
        assert ask(user, model).code == code
        listed = usable_models(user, PLAYGROUND, timezone.now())
        assert list(listed) == ([model] if code == Code.OK else [])


def test_a_signature_opens_its_tier_but_never_the_weights() -> None:
    model = HostedModelFactory.create(tier=Tier.SIGNATURE)
    user = sign(UserFactory.create(), model)
    answers = {use: ask(user, model, use).code for use in Capability}
    assert answers == {
        Capability.PLAYGROUND: Code.OK,
        Capability.API: Code.OK,
        Capability.WEIGHTS: Code.NO_APPLICATION,
    }


def test_a_revoked_grant_closes_a_model_that_a_signature_opens() -> None:
    model = HostedModelFactory.create(tier=Tier.SIGNATURE)
    user = sign(UserFactory.create(), model)
    GrantFactory.create(user=user, model=model, state=GrantState.REVOKED)
    assert ask(user, model).code == Code.REVOKED


def test_an_approval_after_a_revocation_counts(model: HostedModel) -> None:
    user = sign(UserFactory.create(), model)
    long_ago = timezone.now() - timedelta(days=90)
    GrantFactory.create(user=user, model=model, state=GrantState.REVOKED, starts_at=long_ago)
    GrantFactory.create(user=user, model=model)
    assert ask(user, model).code == Code.OK


def test_a_replaced_grant_has_not_run_out(model: HostedModel) -> None:
    user = sign(UserFactory.create(), model)
    GrantFactory.create(
        user=user, model=model, state=GrantState.SUPERSEDED, capabilities=[Capability.WEIGHTS]
    )
    GrantFactory.create(user=user, model=model)
    assert ask(user, model, Capability.WEIGHTS).code == Code.NO_APPLICATION


def test_a_refusal_for_another_model_is_not_held_against_this_one(model: HostedModel) -> None:
    user = sign(UserFactory.create(), model)
    ApplicationFactory.create(
        applicant=user, state=ApplicationState.REJECTED, models_wanted=[HostedModelFactory.create()]
    )
    assert ask(user, model).code == Code.NO_APPLICATION


def test_access_has_ended_for_people_who_had_it() -> None:
    ended = [code for code in Code if Decision(allowed=False, code=code, message="").has_ended]

    assert ended == [Code.GRANT_EXPIRED, Code.SUSPENDED, Code.REVOKED]


def test_weights_need_no_engine(model: HostedModel) -> None:
    user = _offline_with(Capability.WEIGHTS, Capability.API)(model)

    at = timezone.now()
    codes = {use: decide(user, model, use, at).code for use in Capability}
    listed = {use for use in Capability if usable_models(user, use, at).exists()}
    assert codes == {
        Capability.PLAYGROUND: Code.NO_APPLICATION,
        Capability.API: Code.MODEL_OFFLINE,
        Capability.WEIGHTS: Code.OK,
    }
    assert listed == {Capability.WEIGHTS}
