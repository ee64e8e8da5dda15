"""The only code that writes a batch's status: compare-and-set along `enums.TRANSITIONS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from portal.lab.batches.domain.lines import LineError
from portal.lab.batches.enums import TRANSITIONS, BatchStatus
from portal.lab.batches.models import Batch
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag


def lock_batch(batch: Batch, *statuses: BatchStatus, wait: bool = True) -> Batch | None:
    """The batch, locked until the transaction ends; None if it has none of the statuses.

    Without `wait`, None also if another transaction has locked it.
    """
    rows: QuerySet[Batch] = Batch.objects.filter(pk=batch.pk, status__in=statuses)
    return rows.select_for_update(of=("self",), skip_locked=not wait).first()


def move_batch(
    batch: Batch, target: BatchStatus, *, actor: User | None = None, **fields: Any
) -> bool:
    """Set the status and its time; False if the present status does not allow the transition.

    Call it as the last step of the caller's transaction.
    """
    sources = [status for status, targets in TRANSITIONS.items() if target in targets]
    changes = {**fields, "status": target, f"{target}_at": timezone.now()}
    moved = Batch.objects.filter(pk=batch.pk, status__in=sources).update(**changes)
    if moved:
        for name, value in changes.items():
            setattr(batch, name, value)
        data = {"status": target.value, "code": _code(batch)}
        record(AuditTag.BATCH_CHANGED, actor=actor, subject=f"batch:{batch.pk}", data=data)
    return bool(moved)


def close_batch(batch: Batch, *, as_status: BatchStatus, errors: Sequence[LineError] = ()) -> bool:
    """Submit no more rows; the batch becomes `as_status` once its last runs have ended."""
    return move_batch(
        batch,
        BatchStatus.FINALIZING,
        closes_as=as_status,
        errors=[asdict(error) for error in errors],
        paused_code="",
        paused_until=None,
    )


def _code(batch: Batch) -> str:
    return str(batch.errors[0]["code"]) if batch.errors else ""
