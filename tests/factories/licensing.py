"""Licences, versions and signatures for tests."""

from __future__ import annotations

from datetime import UTC, datetime

import factory
from django.utils import timezone

from portal.gate.licensing.domain.versions import text_sha256
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import Licence, LicenceVersion, Signature
from tests.factories.accounts import UserFactory


class LicenceFactory(factory.django.DjangoModelFactory[Licence]):
    """A licence without a version; `LicenceVersionFactory` publishes one."""

    class Meta:
        model = Licence

    slug = factory.Sequence(lambda n: f"licence-{n}")
    name = factory.Sequence(lambda n: f"Research licence {n}")
    licensor = "The licensor of the tests"


class LicenceVersionFactory(factory.django.DjangoModelFactory[LicenceVersion]):
    """Version 1, long in force; name `licence` and `number` for a later one."""

    class Meta:
        model = LicenceVersion

    licence = factory.SubFactory(LicenceFactory)
    number = 1
    text = factory.LazyAttribute(
        lambda version: f"# {version.licence.name}\n\nVersion {version.number}.\n"
    )
    sha256 = factory.LazyAttribute(lambda version: text_sha256(version.text))
    effective_at = datetime(2026, 1, 1, tzinfo=UTC)
    is_material = True
    grace_days = 30
    published_at = factory.SelfAttribute("effective_at")


class SignatureFactory(factory.django.DjangoModelFactory[Signature]):
    """A person's signature for themselves; give `version` and `user` to choose them."""

    class Meta:
        model = Signature

    user = factory.SubFactory(UserFactory)
    version = factory.SubFactory(LicenceVersionFactory)
    text = factory.SelfAttribute("version.text")
    sha256 = factory.SelfAttribute("version.sha256")
    legal_name = factory.SelfAttribute("user.name")
    email = factory.SelfAttribute("user.email")
    capacity = Capacity.SELF
    entity_name = ""
    signed_at = factory.LazyFunction(timezone.now)
    ip = "192.0.2.1"
