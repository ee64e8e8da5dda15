"""Reservations and calls for tests."""

from __future__ import annotations

import uuid

import factory
from django.db import transaction
from django.utils import timezone

from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.models import Call
from portal.lab.quota.domain.ledger import lock_persons, open_ledger
from portal.lab.quota.models import Reservation
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.keys import ApiKeyFactory


class ReservationFactory(factory.django.DjangoModelFactory[Reservation]):
    """Reserved tokens, not settled yet."""

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


def reserve_tokens(
    user: User, *, tokens: int, model: HostedModel, job: uuid.UUID | None = None
) -> uuid.UUID:
    """Reserve tokens for one job, as when a run is accepted, and return the job's id."""
    job = job or uuid.uuid4()
    with transaction.atomic():
        lock_persons([user.pk])
        ledger = open_ledger([user.pk], at=timezone.now())
        ledger.take(user, model=model, tokens={job: tokens})
        ledger.write()
    return job
