"""Requests to referees and officials for tests."""

from __future__ import annotations

import factory
from django.db import transaction
from django.utils import timezone

from portal.gate.vouching.domain.letters import link_of
from portal.gate.vouching.domain.requests import issue_link
from portal.gate.vouching.enums import RequestState, VouchKind
from portal.gate.vouching.models import VouchRequest
from tests.factories.access import ApplicationFactory


class VouchRequestFactory(factory.django.DjangoModelFactory[VouchRequest]):
    """A referee who is named and has not been asked yet; `ask` sends the link."""

    class Meta:
        model = VouchRequest

    application = factory.SubFactory(ApplicationFactory)
    kind = VouchKind.REFEREE
    state = RequestState.NAMED
    name = "Rosalind Referee"
    email = factory.Sequence(lambda n: f"referee{n}@uni.edu")
    institution = "University of the References"
    named_at = factory.LazyFunction(timezone.now)


def ask(request: VouchRequest) -> str:
    """Send the link, and return its path."""
    with transaction.atomic():
        issue_link(request, actor=None)
    return link_of(request)
