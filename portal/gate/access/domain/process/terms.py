"""The limits of an approval: no more than was applied for, until a sensible day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from portal.gate.access.enums import Capability
from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LONGEST_GRANT = timedelta(days=5 * 366)


def require_within_request(
    application: Application,
    *,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
) -> None:
    """Raise `DomainError` (`models_missing`, `capabilities_missing`, `not_asked_for`)."""
    if not models:
        raise DomainError(RefusalCode.MODELS_MISSING, "Choose at least one model.", field="models")
    if not capabilities:
        raise DomainError(
            RefusalCode.CAPABILITIES_MISSING,
            "Choose at least one way of use.",
            field="capabilities",
        )
    wanted = set(application.models_wanted.values_list("pk", flat=True))
    if unasked := [model.name for model in models if model.pk not in wanted]:
        raise DomainError(
            RefusalCode.NOT_ASKED_FOR, f"Not applied for: {', '.join(unasked)}.", field="models"
        )
    if extra := [str(use.label) for use in capabilities if use not in application.capabilities]:
        raise DomainError(
            RefusalCode.NOT_ASKED_FOR, f"Not applied for: {', '.join(extra)}.", field="capabilities"
        )


def require_sensible_end(ends_at: datetime) -> None:
    """Raise `DomainError` (`end_not_in_future`, `end_too_far`)."""
    if ends_at <= timezone.now():
        raise DomainError(
            RefusalCode.END_NOT_IN_FUTURE, "The end date must be in the future.", field="ends_on"
        )
    if ends_at > timezone.now() + LONGEST_GRANT:
        raise DomainError(
            RefusalCode.END_TOO_FAR, "The end date must be within five years.", field="ends_on"
        )
