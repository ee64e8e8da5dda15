"""Which keys give access, and at what cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.authentication import KeyRefused, authenticate_key, require_scope
from portal.gate.keys.domain.lifecycle import IssuedKey, issue_key, revoke_key
from portal.gate.keys.domain.text import make_text
from portal.gate.keys.models import ApiKey
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAGE = "See http://testserver/account/keys/"


@pytest.fixture
def issued() -> IssuedKey:
    with time_machine.travel(NOW, tick=False):
        return issue_key(
            UserFactory.create(),
            name="Laptop",
            scopes=[KeyScope.COMPLETIONS],
            expires_at=NOW + timedelta(days=30),
        )


def refusal_of(text: str, *, at: datetime = NOW) -> tuple[str, str]:
    with pytest.raises(KeyRefused) as refused:
        authenticate_key(text, at=at)
    return refused.value.code, refused.value.message


def test_a_key_opens_for_its_person(issued: IssuedKey) -> None:
    key = authenticate_key(issued.text, at=NOW)

    assert (key, key.user) == (issued.key, issued.key.user)


def test_one_query_tells_person_and_models(
    issued: IssuedKey, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    model = HostedModelFactory.create()
    issued.key.allowed_models.set([model, HostedModelFactory.create()])
    authenticate_key(issued.text, at=NOW)

    with django_assert_num_queries(1):
        key = authenticate_key(issued.text, at=NOW + timedelta(seconds=59))
        require_scope(key, KeyScope.COMPLETIONS, model)
        assert key.user.is_active


def test_its_use_is_noted_once_a_minute(issued: IssuedKey) -> None:
    noted = []
    for seconds in (0, 59, 60, 61):
        authenticate_key(issued.text, at=NOW + timedelta(seconds=seconds))
        noted.append(ApiKey.objects.get().last_used_at)

    minute = NOW + timedelta(minutes=1)
    assert noted == [NOW, NOW, minute, minute]


def test_a_misspelt_key_needs_no_database(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        refusal = refusal_of(make_text().whole[:-1] + "_")

    assert refusal == (
        "invalid_api_key",
        "This is not an API key: it is misspelt or incomplete. Copy it again, or make a new one. "
        + PAGE,
    )


def test_an_unknown_key_is_refused() -> None:
    assert refusal_of(make_text().whole) == (
        "invalid_api_key",
        f"This API key is not known here. Make a new one. {PAGE}",
    )


def test_the_lookup_part_alone_opens_nothing(issued: IssuedKey) -> None:
    ApiKey.objects.update(digest=make_text().digest)

    assert refusal_of(issued.text)[0] == "invalid_api_key"


def test_an_expired_key_is_refused_from_its_end_on(issued: IssuedKey) -> None:
    end = NOW + timedelta(days=30)

    assert authenticate_key(issued.text, at=end - timedelta(seconds=1)) == issued.key
    assert refusal_of(issued.text, at=end) == (
        "key_expired",
        (
            f"The API key gh_{issued.key.lookup}… expired on 23 December 2026 at 12:00 UTC. "
            f"Make a new one. {PAGE}"
        ),
    )


def test_a_revoked_key_is_refused_at_once(issued: IssuedKey) -> None:
    revoke_key(issued.key)

    assert refusal_of(issued.text) == (
        "key_revoked",
        f"The API key gh_{issued.key.lookup}… was revoked. Make a new one. {PAGE}",
    )


def test_keys_die_with_their_account_for_good(issued: IssuedKey) -> None:
    user = issued.key.user
    user.is_active = False
    user.save()
    assert refusal_of(issued.text)[0] == "key_revoked"

    user.is_active = True
    user.save()

    assert refusal_of(issued.text)[0] == "key_revoked"


def test_an_account_closed_past_every_signal_opens_nothing(issued: IssuedKey) -> None:
    type(issued.key.user).objects.update(is_active=False)

    assert refusal_of(issued.text) == (
        "key_revoked",
        f"The account of the API key gh_{issued.key.lookup}… is closed. {PAGE}",
    )


def test_a_scope_that_the_key_lacks_is_refused(issued: IssuedKey) -> None:
    require_scope(issued.key, KeyScope.COMPLETIONS)

    with pytest.raises(KeyRefused) as refused:
        require_scope(issued.key, KeyScope.LOGPROBS)

    assert (refused.value.code, refused.value.message) == (
        "key_scope",
        "The API key Laptop lacks the scope logprobs, which this needs. Make one that has it. "
        + PAGE,
    )


def test_a_key_without_models_is_for_all(issued: IssuedKey) -> None:
    require_scope(
        authenticate_key(issued.text, at=NOW), KeyScope.COMPLETIONS, HostedModelFactory.create()
    )


def test_a_model_that_the_key_lacks_is_refused(issued: IssuedKey) -> None:
    issued.key.allowed_models.add(HostedModelFactory.create())
    other = HostedModelFactory.create(slug="other")

    with pytest.raises(KeyRefused) as refused:
        require_scope(authenticate_key(issued.text, at=NOW), KeyScope.COMPLETIONS, other)

    assert (refused.value.code, refused.value.next_url) == (
        "key_model",
        "/account/keys/",
    )


def test_a_fresh_key_opens_at_once() -> None:
    issued = issue_key(UserFactory.create(), name="Now", scopes=[KeyScope.READ])

    assert authenticate_key(issued.text, at=timezone.now()) == issued.key
