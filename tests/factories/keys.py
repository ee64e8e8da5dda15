"""Keys to the API for tests."""

from __future__ import annotations

import secrets
from hashlib import sha256

import factory
from django.utils import timezone

from portal.keys.enums import KeyScope
from portal.keys.models import ApiKey
from tests.factories.accounts import UserFactory


def write_key() -> str:
    """What a program sends; the database only has its hash."""
    return f"sk-test-{secrets.token_hex(16)}"


class ApiKeyFactory(factory.django.DjangoModelFactory[ApiKey]):
    """A key for everything; `text=` is what a program sends, `revoked=True` or `expired=True`."""

    class Meta:
        model = ApiKey
        exclude = ("text",)

    class Params:
        revoked = factory.Trait(revoked_at=factory.LazyFunction(timezone.now))
        expired = factory.Trait(expires_at=factory.LazyFunction(timezone.now))

    text = factory.LazyFunction(write_key)
    user = factory.SubFactory(UserFactory)
    name = "A key of the tests"
    lookup = factory.Sequence(lambda n: f"key{n}")
    digest = factory.LazyAttribute(lambda row: sha256(row.text.encode()).hexdigest())
    scopes = factory.LazyFunction(lambda: list(KeyScope.values))
    created_at = factory.LazyFunction(timezone.now)
