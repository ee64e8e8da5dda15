"""The bar over every page of a person who must sign again, and its cost for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.domain.decide import decide
from portal.gate.access.domain.masthead import read_masthead
from portal.gate.access.enums import Capability, Code
from portal.gate.licensing.models import LicenceVersion
from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import post
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import LicenceVersionFactory, SignatureFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PAGES = ("/", "/models/", "/notices/", "/licence/signatures/", "/account/")


@pytest.fixture
def first(db: None) -> LicenceVersion:
    return LicenceVersionFactory.create(licence__name="Research licence", licence__slug="research")


@pytest.fixture
def signer(first: LicenceVersion) -> User:
    return SignatureFactory.create(version=first).user


def change(first: LicenceVersion, *, number: int = 2, **fields: Any) -> LicenceVersion:
    values = {"effective_at": NOW, **fields}
    version: LicenceVersion = LicenceVersionFactory.create(
        licence=first.licence, number=number, **values
    )
    return version


def bars(client: Client, page: str) -> int:
    return client.get(page).content.decode().count('class="reconsent-bar')


def test_a_change_stands_over_every_page_until_it_is_signed(
    client: Client, first: LicenceVersion, signer: User
) -> None:
    second = change(first)
    client.force_login(signer)
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert [bars(client, page) for page in PAGES] == [1] * len(PAGES)
        assert bars(client, "/licence/research/sign/") == 0
        SignatureFactory.create(user=signer, version=second)
        assert [bars(client, page) for page in PAGES] == [0] * len(PAGES)


def test_it_says_until_when_and_then_what_decide_says(
    client: Client, first: LicenceVersion, signer: User
) -> None:
    model = HostedModelFactory.create(release=ReleaseFactory.create(licence=first.licence))
    GrantFactory.create(user=signer, model=model, starts_at=NOW)
    end = change(first).grace_ends_at
    client.force_login(signer)
    with time_machine.travel(end - SECOND, tick=False) as clock:
        page = client.get("/models/").content.decode()
        assert page.count("is valid until") == page.count("1 July 2026, 12:00 UTC") == 1
        assert (
            page.count('<a href="/licence/research/sign/">Read and sign the new version</a>') == 1
        )
        assert decide(signer, model, Capability.PLAYGROUND, timezone.now()).code == Code.OK
        clock.move_to(end)
        decision = decide(signer, model, Capability.PLAYGROUND, timezone.now())
        page = client.get("/models/").content.decode()
        assert (decision.code, page.count("is valid until")) == (Code.LICENCE_OUTDATED, 0)
        assert page.count(decision.message) == page.count("reconsent-bar--over") == 1


def test_of_several_changes_the_one_that_ends_first_is_named(
    first: LicenceVersion, signer: User
) -> None:
    change(first, grace_days=60)
    third = change(first, number=3, grace_days=20)
    found = read_masthead(signer, at=NOW).reconsent
    assert found is not None
    assert (found.version, found.ends_at) == (third, NOW + timedelta(days=20))


@pytest.mark.parametrize(
    "fields",
    [{"is_material": False}, {"effective_at": NOW + timedelta(days=1), "published_at": NOW}],
)
def test_what_cannot_or_need_not_be_signed_is_not_shown(
    first: LicenceVersion, signer: User, fields: dict[str, Any]
) -> None:
    change(first, **fields)
    assert read_masthead(signer, at=NOW).reconsent is None


def test_who_never_signed_has_nothing_to_sign_again(first: LicenceVersion) -> None:
    change(first)
    assert read_masthead(UserFactory.create(), at=NOW).reconsent is None


@pytest.mark.parametrize(("must_sign", "queries"), [(False, 1), (True, 2)])
def test_only_who_must_sign_again_costs_a_query_more(
    first: LicenceVersion,
    signer: User,
    must_sign: bool,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    change(first, is_material=must_sign)
    for _ in range(3):
        with transaction.atomic():
            post(signer, kind="test", subject="Hello", body="Text")
    read_masthead(signer, at=timezone.now())
    with django_assert_num_queries(queries):
        found = read_masthead(signer, at=timezone.now())
    assert (found.unread_notices, found.reconsent is not None) == (3, must_sign)
