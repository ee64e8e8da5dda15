"""Applications, steps and grants for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from portal.gate.access.enums import ApplicationState, Capability, Command, GrantState
from portal.gate.access.models import Application, Grant, Ruling, Step
from portal.gate.catalog.models import HostedModel
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory


class ApplicationFactory(factory.django.DjangoModelFactory[Application]):
    """A complete application waiting for review; `state=` for others, `models_wanted=[...]`."""

    class Meta:
        model = Application
        skip_postgeneration_save = True

    applicant = factory.SubFactory(UserFactory)
    state = ApplicationState.SUBMITTED
    case_number = factory.Sequence(lambda n: f"GH-2000-{n:04d}")
    affiliation = "University of the Tests"
    position = "Researcher"
    country = "NL"
    homepage = "https://people.example.org/researcher"
    intended_use = "Measuring how calibration changes with scale."
    capabilities = factory.LazyFunction(lambda: [Capability.PLAYGROUND, Capability.API])
    data_handling = "Outputs stay on an encrypted disk of the group."
    others_with_access = "Nobody."
    applicant_name = factory.SelfAttribute("applicant.name")
    applicant_email = factory.SelfAttribute("applicant.email")
    submitted_at = factory.LazyFunction(timezone.now)
    decided_at = factory.Maybe(
        factory.LazyAttribute(
            lambda row: row.state in {ApplicationState.APPROVED, ApplicationState.REJECTED}
        ),
        factory.LazyFunction(timezone.now),
        None,
    )

    class Params:
        is_draft = factory.Trait(
            state=ApplicationState.DRAFT,
            submitted_at=None,
            affiliation="",
            applicant_name="",
            applicant_email="",
        )

    @factory.post_generation
    def models_wanted(
        self: Application, create: bool, extracted: list[HostedModel] | None, **_: Any
    ) -> None:
        if extracted:
            self.models_wanted.set(extracted)


class StepFactory(factory.django.DjangoModelFactory[Step]):
    """One entry of a history."""

    class Meta:
        model = Step

    application = factory.SubFactory(ApplicationFactory)
    command = Command.SUBMIT
    actor = factory.SelfAttribute("application.applicant")
    at = factory.LazyFunction(timezone.now)


class RulingFactory(factory.django.DjangoModelFactory[Ruling]):
    """The decision of `step`, without a hold; `effective_at` for one that is held."""

    class Meta:
        model = Ruling

    step = factory.SubFactory(StepFactory, command=Command.REJECT)
    waited = timedelta(days=1)
    made_at = factory.SelfAttribute("step.at")
    effective_at = factory.SelfAttribute("made_at")


class GrantFactory(factory.django.DjangoModelFactory[Grant]):
    """A grant in force for playground and API, given by an approved application."""

    class Meta:
        model = Grant
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    model = factory.SubFactory(HostedModelFactory)
    application = factory.SubFactory(
        ApplicationFactory,
        applicant=factory.SelfAttribute("..user"),
        state=ApplicationState.APPROVED,
    )
    capabilities = factory.LazyFunction(lambda: [Capability.PLAYGROUND, Capability.API])
    state = GrantState.ACTIVE
    starts_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=1))
    ends_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=364))

    @factory.post_generation
    def asked_for(self: Grant, create: bool, extracted: object, **_: Any) -> None:
        self.application.models_wanted.add(self.model)
