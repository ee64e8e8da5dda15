from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from portal.gate.catalog.domain.journey import Step, list_steps
from portal.gate.catalog.enums import Tier
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db

WHERE = "Your access page shows the status."
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def places(steps: list[Step]) -> list[tuple[bool, bool]]:
    return [(step.is_done, step.is_next) for step in steps]


def test_a_stranger_begins_with_an_account() -> None:
    steps = list_steps(AnonymousUser(), HostedModelFactory.create(), at=NOW)

    assert places(steps) == [(False, True), (False, False), (False, False)]
    assert steps[0].url == reverse("account_signup")


def test_somebody_with_an_account_goes_on_to_the_licence() -> None:
    model = HostedModelFactory.create()

    steps = list_steps(UserFactory.create(), model, at=NOW)

    assert places(steps) == [(True, False), (False, True), (False, False)]
    assert steps[1].url == reverse("licensing:sign", args=[model.release.licence.slug])


@pytest.mark.parametrize(
    ("tier", "url_name", "text"),
    [
        (
            Tier.SIGNATURE,
            "playground:editor",
            "The signature opens this model; no application is needed.",
        ),
        (
            Tier.ONE_REVIEWER,
            "access:status",
            f"A reviewer decides, usually within five working days. {WHERE}",
        ),
        (
            Tier.TWO_REVIEWERS,
            "access:status",
            f"Two reviewers decide, usually within five working days. {WHERE}",
        ),
    ],
)
def test_what_follows_the_signature_depends_on_the_tier(
    tier: Tier, url_name: str, text: str
) -> None:
    model = HostedModelFactory.create(tier=tier)
    signature = SignatureFactory.create(version=model.release.licence.versions.get())

    steps = list_steps(signature.user, model, at=NOW)

    assert places(steps) == [(True, False), (True, False), (False, True)]
    assert (steps[2].url, steps[2].text) == (reverse(url_name), text)


def test_an_outdated_signature_leads_back_to_the_licence() -> None:
    model = HostedModelFactory.create()
    signature = SignatureFactory.create(version=model.release.licence.versions.get())
    LicenceVersionFactory.create(
        licence=model.release.licence, number=2, effective_at=NOW, grace_days=0
    )

    steps = list_steps(signature.user, model, at=NOW)

    assert places(steps) == [(True, False), (False, True), (False, False)]
    assert steps[1].text == "It has changed since you signed it."
