"""The cast of the vouching tests."""

from __future__ import annotations

import pytest

from portal.access.models import Application
from portal.accounts.models import User
from portal.catalog.models import HostedModel
from tests.access.conftest import answers, model, reviewer, signed_applicant
from tests.factories.access import ApplicationFactory

__all__ = ["answers", "model", "reviewer", "signed_applicant"]


@pytest.fixture
def waiting(signed_applicant: User, model: HostedModel) -> Application:
    """An application that a reviewer has to decide on."""
    return ApplicationFactory(applicant=signed_applicant, models_wanted=[model])
