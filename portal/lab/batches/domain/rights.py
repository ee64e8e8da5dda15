"""A batch continues after its request, but ends with its owner's access or its key's revocation."""

from __future__ import annotations

from portal.gate.catalog.models import HostedModel
from portal.lab.batches.models import Batch
from portal.lab.jobs.domain.admission import require_access
from portal.lab.jobs.enums import Origin
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


def require_rights(batch: Batch, model: HostedModel) -> None:
    """Raise `DomainError` unless the batch may continue now.

    A key that expired meanwhile does not stop it: rotation lets old keys expire, and the batch
    was submitted before.
    """
    if batch.key.revoked_at is not None or not batch.user.is_active:
        raise DomainError(RefusalCode.KEY_REVOKED, "The batch's API key was revoked.")
    require_access(batch.user, model, Origin.API)
