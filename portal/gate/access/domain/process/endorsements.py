"""Two-person decisions: the first reviewer's approval, and whether one is still missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, Q, QuerySet
from django.utils import timezone

from portal.gate.access.enums import Capability
from portal.gate.access.models import Application, Endorsement
from portal.gate.catalog.enums import Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


def needs_endorsement(
    application: Application,
    *,
    by: User,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    ends_at: datetime,
) -> bool:
    """Whether these terms still need the approval of another reviewer.

    An approval of more (models, capabilities, a later end) covers less.
    """
    guarded = {model.pk for model in models if model.tier == Tier.TWO_REVIEWERS}
    if not guarded:
        return False
    endorsements = (
        current_endorsements(application)
        .filter(capabilities__contains=list(capabilities), ends_at__gte=ends_at)
        .exclude(reviewer=by)
    )
    return not any(
        guarded <= {model.pk for model in endorsement.models_endorsed.all()}
        for endorsement in endorsements
    )


def open_models(application: Application, *, by: User) -> QuerySet[HostedModel]:
    """The models of the application that this reviewer can approve now.

    A reviewer who gave the first of two approvals waits for the second, unless another
    reviewer has approved other terms.
    """
    endorsements = current_endorsements(application)
    waits = Q(Exists(endorsements.filter(reviewer=by))) & ~Q(
        Exists(endorsements.exclude(reviewer=by))
    )
    return application.models_wanted.exclude(Q(tier=Tier.TWO_REVIEWERS) & waits)


def current_endorsements(application: Application) -> QuerySet[Endorsement]:
    """First approvals of the text as it was last submitted."""
    if application.submitted_at is None:
        return Endorsement.objects.none()
    return application.endorsements.filter(submitted_at=application.submitted_at)


def endorse(
    application: Application,
    *,
    by: User,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    ends_at: datetime,
) -> None:
    """Record a first approval; raises `DomainError` (`already_endorsed`)."""
    endorsement, is_new = Endorsement.objects.get_or_create(
        application=application,
        submitted_at=application.submitted_at,
        reviewer=by,
        defaults={"capabilities": list(capabilities), "ends_at": ends_at, "at": timezone.now()},
    )
    if not is_new:
        raise DomainError(
            RefusalCode.ALREADY_ENDORSED,
            "You have already approved this. A second reviewer must approve the same models, "
            "uses and end date.",
        )
    endorsement.models_endorsed.set(models)
