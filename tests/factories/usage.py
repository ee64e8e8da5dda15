"""Reservations and calls for tests."""

from __future__ import annotations

import uuid

import factory
from django.utils import timezone

from portal.jobs.models import Call
from portal.usage.models import Reservation
from tests.factories.accounts import UserFactory
from tests.factories.keys import ApiKeyFactory


class ReservationFactory(factory.django.DjangoModelFactory[Reservation]):
    """Tokens set aside and not settled yet."""

    class Meta:
        model = Reservation

    job = factory.LazyFunction(uuid.uuid4)
    user = factory.SubFactory(UserFactory)
    reserved_tokens = 100
    made_at = factory.LazyFunction(timezone.now)


class CallFactory(factory.django.DjangoModelFactory[Call]):
    """One request to the API with a key of the person's."""

    class Meta:
        model = Call

    user = factory.SubFactory(UserFactory)
    key = factory.SubFactory(ApiKeyFactory, user=factory.SelfAttribute("..user"))
    endpoint = "/v1/completions"
    fingerprint = "0" * 64
    created_at = factory.LazyFunction(timezone.now)
