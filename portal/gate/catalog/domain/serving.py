"""Changing, outside a release folder, whether and how a model is served."""

from __future__ import annotations

from django.db import transaction

from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.fingerprints import require_unchanged
from portal.platform.core.refusals import RefusalCode


@transaction.atomic
def change_serving(
    model: HostedModel, *, status: ModelStatus, deployment: str, tier: Tier, actor: User
) -> None:
    """Set the values that an operator may set, and record the previous ones.

    Raises `DomainError` with code `deployment_missing` for a live model without one.
    """
    require_deployment(status, deployment)
    before = HostedModel.objects.select_for_update().get(pk=model.pk)
    after = {"status": str(status), "deployment": deployment, "tier": str(tier)}
    was = {name: getattr(before, name) for name in after}
    if was == after:
        return
    HostedModel.objects.filter(pk=model.pk).update(**after)
    record(
        AuditTag.MODEL_CHANGED,
        actor=actor,
        subject=f"model:{before.slug}",
        data={"before": was, "after": after},
    )


def serving_of(model: HostedModel | None) -> list[str]:
    """The values that an operator may set, as a form carries them."""
    return [model.status, model.deployment, model.tier] if model else []


def require_serving_seen(model: HostedModel, seen: str | None) -> None:
    """Lock the row, and raise `SavedMeanwhile` if it differs from what was seen."""
    saved = HostedModel.objects.select_for_update().get(pk=model.pk)
    served = f" by “{saved.deployment}”" if saved.deployment else ""
    now_is = f"it is {saved.get_status_display().lower()}{served}, {saved.get_tier_display()}"
    require_unchanged(seen, serving_of(saved), now_is=now_is)


def require_deployment(status: str, deployment: str) -> None:
    """Raise `DomainError` with code `deployment_missing` for a live model without one."""
    if status == ModelStatus.LIVE and not deployment:
        raise DomainError(
            RefusalCode.DEPLOYMENT_MISSING,
            "A live model needs the name of its deployment in models.toml.",
            field="deployment",
        )
