"""On random histories `decide` and `usable_models` give the same answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from portal.gate.access.domain.decide import decide, usable_models
from portal.gate.access.enums import HELD_STATES, ApplicationState, Capability, GrantState
from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import LicenceFactory, LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = st.integers(0, 8)
"""Few days, so that moments often coincide."""

capabilities = st.lists(st.sampled_from(list(Capability)), min_size=1, max_size=3, unique=True)
grants = st.lists(
    st.fixed_dictionaries(
        {
            "starts": DAYS,
            "lasts": st.integers(1, 6),
            "state": st.sampled_from(list(GrantState)),
            "capabilities": capabilities,
            "is_led": st.booleans(),
        }
    ),
    max_size=4,
)
models = st.lists(
    st.fixed_dictionaries(
        {
            "tier": st.sampled_from(list(Tier)),
            "status": st.sampled_from([ModelStatus.LIVE] * 3 + [ModelStatus.NOT_LOADED]),
            "grants": grants,
            "lead_grants": grants,
        }
    ),
    min_size=1,
    max_size=2,
)
versions = st.lists(
    st.fixed_dictionaries(
        {
            "effective": DAYS,
            "grace": st.integers(0, 3),
            "is_material": st.booleans(),
            "is_signed": st.booleans(),
        }
    ),
    min_size=1,
    max_size=3,
)
people = st.fixed_dictionaries(
    {
        "is_active": st.sampled_from([True] * 5 + [False]),
        "is_verified": st.sampled_from([True] * 5 + [False]),
        "is_reviewer": st.sampled_from([False] * 3 + [True]),
        "mfa_is_required": st.booleans(),
        "lead_is_active": st.sampled_from([True] * 5 + [False]),
        "application": st.none() | st.sampled_from(list(ApplicationState)),
    }
)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def make_person(person: dict[str, Any], history: list[dict[str, Any]], model: HostedModel) -> User:
    user = UserFactory.create(is_active=person["is_active"], is_reviewer=person["is_reviewer"])
    EmailAddress.objects.filter(user=user).update(verified=person["is_verified"])
    for number, version in enumerate(history, start=1):
        published = LicenceVersionFactory.create(
            licence=model.release.licence,
            number=number,
            effective_at=day(version["effective"]),
            grace_days=version["grace"],
            is_material=version["is_material"],
        )
        if version["is_signed"]:
            SignatureFactory.create(user=user, version=published)
    if person["application"]:
        ApplicationFactory.create(
            applicant=user, state=person["application"], models_wanted=[model]
        )
    return user


def make_grants(
    user: User, model: HostedModel, history: list[dict[str, Any]], *, lead: User | None
) -> None:
    is_held = False
    for grant in history:
        if grant["state"] in HELD_STATES:
            if is_held:
                continue
            is_held = True
        GrantFactory.create(
            user=user,
            model=model,
            lead=lead if grant["is_led"] else None,
            state=grant["state"],
            capabilities=grant["capabilities"],
            starts_at=day(grant["starts"]),
            ends_at=day(grant["starts"] + grant["lasts"]),
        )


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(person=people, signed=versions, offered=models, now=DAYS)
def test_the_gate_and_the_list_agree(
    settings: Settings,
    person: dict[str, Any],
    signed: list[dict[str, Any]],
    offered: list[dict[str, Any]],
    now: int,
) -> None:
    settings.REQUIRE_STAFF_MFA = person["mfa_is_required"]
    with transaction.atomic():
        release = ReleaseFactory.create(licence=LicenceFactory.create())
        rows = [
            HostedModelFactory.create(release=release, tier=model["tier"], status=model["status"])
            for model in offered
        ]
        user = make_person(person, signed, rows[0])
        lead = UserFactory.create(is_active=person["lead_is_active"])
        for row, model in zip(rows, offered, strict=True):
            make_grants(user, row, model["grants"], lead=lead)
            make_grants(lead, row, model["lead_grants"], lead=None)
        at = day(now)
        for use in Capability:
            listed = set(usable_models(user, use, at))
            decided = {row for row in rows if decide(user, row, use, at).allowed}
            assert listed == decided
        transaction.set_rollback(True)
