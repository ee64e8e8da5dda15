"""Releases and models for tests."""

from __future__ import annotations

import factory

from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.models import HostedModel, Release
from tests.factories.licensing import LicenceVersionFactory


class ReleaseFactory(factory.django.DjangoModelFactory[Release]):
    """A release whose licence has a version in force."""

    class Meta:
        model = Release

    slug = factory.Sequence(lambda n: f"release-{n}")
    name = factory.Sequence(lambda n: f"Release {n}")
    tagline = "A family of models for tests."
    licensor = "The licensor of the tests"
    contact_email = "release@example.org"
    licence = factory.LazyFunction(lambda: LicenceVersionFactory.create().licence)
    summary = "What is released."
    why_gated = "Why it is gated."
    process = "How applications are judged."
    review_days = 5
    model_card = "The model card."
    data_card = "The data card."
    position = factory.Sequence(lambda n: n)


class HostedModelFactory(factory.django.DjangoModelFactory[HostedModel]):
    """A live model that one reviewer opens; `not_loaded=True` for one described only."""

    class Meta:
        model = HostedModel

    class Params:
        not_loaded = factory.Trait(status=ModelStatus.NOT_LOADED, deployment="")

    release = factory.SubFactory(ReleaseFactory)
    slug = factory.Sequence(lambda n: f"model-{n}")
    name = factory.Sequence(lambda n: f"Model {n}")
    parameters = 135_000_000
    layers = 30
    heads = 9
    hidden_size = 576
    context_length = 2048
    requirements = "Two CPU cores."
    weights_licence = "Apache-2.0"
    source_url = "https://models.example.org/model"
    attribution = "A model of the tests."
    notice = "For research only."
    status = ModelStatus.LIVE
    deployment = "smollm2-135m"
    tier = Tier.ONE_REVIEWER
    position = factory.Sequence(lambda n: n)
