"""The people of the vouching tests."""

from __future__ import annotations

import pytest

from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.gate.access.conftest import answers, model, reviewer, signed_applicant

__all__ = ["answers", "model", "reviewer", "signed_applicant"]


@pytest.fixture
def waiting(signed_applicant: User, model: HostedModel) -> Application:
    """An application that a reviewer has to decide on."""
    return ApplicationFactory.create(applicant=signed_applicant, models_wanted=[model])
