"""API keys for tests."""

from __future__ import annotations

import factory
from django.utils import timezone

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.text import make_text
from portal.gate.keys.models import ApiKey
from tests.factories.accounts import UserFactory


class ApiKeyFactory(factory.django.DjangoModelFactory[ApiKey]):
    """A live key with every scope; its text is not known."""

    class Meta:
        model = ApiKey

    user = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Key {n}")
    lookup = factory.LazyFunction(lambda: make_text().lookup)
    digest = factory.LazyFunction(lambda: make_text().digest)
    scopes = factory.LazyFunction(lambda: list(KeyScope))
    created_at = factory.LazyFunction(timezone.now)
