"""Making batches, finding them, and stopping them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from portal.gate.keys.domain.authentication import require_scope
from portal.gate.keys.models import ApiKey
from portal.lab.batches.domain.dispatch import send_advance
from portal.lab.batches.domain.endpoints import find_endpoint
from portal.lab.batches.domain.files import find_file
from portal.lab.batches.domain.ids import BATCH, missing, parse_id, write_id
from portal.lab.batches.domain.status import move_batch
from portal.lab.batches.enums import BatchStatus, FilePurpose
from portal.lab.batches.models import Batch, StoredFile
from portal.lab.batches.wire import BatchRequest
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import invalid_value

WINDOWS: Final = {"24h": timedelta(hours=24)}
METADATA_PAIRS: Final = 16
METADATA_KEY: Final = 64
METADATA_VALUE: Final = 512


def create_batch(key: ApiKey, order: BatchRequest) -> Batch:
    """Accept a batch, whose file is then checked in the background.

    Raises `DomainError` for an invalid endpoint, window, metadata or file.
    """
    endpoint = find_endpoint(order.endpoint)
    require_scope(key, endpoint.scope)
    window = WINDOWS.get(order.completion_window)
    if window is None:
        raise invalid_value(
            f"completion_window is one of: {', '.join(WINDOWS)}.", field="completion_window"
        )
    _check_metadata(order.metadata)
    now = timezone.now()
    with transaction.atomic():
        file = find_file(key.user, order.input_file_id, field="input_file_id")
        # The lock keeps the file from being erased before the commit; then it is in use.
        file = StoredFile.objects.select_for_update().get(pk=file.pk)
        if file.erased_at is not None or file.purpose != FilePurpose.BATCH:
            raise invalid_value(
                "The input file must be uploaded with purpose batch.", field="input_file_id"
            )
        batch = Batch.objects.create(
            user=key.user,
            key=key,
            endpoint=order.endpoint,
            completion_window=order.completion_window,
            metadata=order.metadata,
            input_file=file,
            created_at=now,
            expires_at=now + window,
        )
        data = {"endpoint": order.endpoint, "file": str(file.pk)}
        record(AuditTag.BATCH_SUBMITTED, actor=key.user, subject=f"batch:{batch.pk}", data=data)
        transaction.on_commit(lambda: send_advance(batch.pk))
    return batch


def find_batch(user: User, batch_id: str) -> Batch:
    """The person's batch; raises `DomainError` with code `not_found`."""
    pk = parse_id(batch_id, prefix=BATCH)
    batch = Batch.objects.filter(user=user, pk=pk).first()
    if batch is None:
        raise missing(batch_id, prefix=BATCH)
    return batch


def cancel_batch(batch: Batch, *, actor: User) -> Batch:
    """Submit no more rows of the batch and stop its runs; finished results are kept.

    A second call changes nothing. Raises `DomainError` if the batch has ended or is ending.
    """
    with transaction.atomic():
        row = Batch.objects.select_for_update().get(pk=batch.pk)
        is_news = row.status not in (BatchStatus.CANCELLING, BatchStatus.CANCELLED)
        if is_news and not move_batch(
            row, BatchStatus.CANCELLING, actor=actor, paused_code="", paused_until=None
        ):
            raise invalid_value(
                f"The batch {write_id(BATCH, row.pk)} is {row.status} and cannot be cancelled."
            )
        transaction.on_commit(lambda: send_advance(row.pk))
    return row


def _check_metadata(metadata: Mapping[str, str] | None) -> None:
    for key, value in (metadata or {}).items():
        if len(key) > METADATA_KEY or len(value) > METADATA_VALUE or "\0" in key + value:
            raise invalid_value(
                f"metadata has keys of at most {METADATA_KEY} characters and values of at most "
                f"{METADATA_VALUE}.",
                field="metadata",
            )
    if len(metadata or {}) > METADATA_PAIRS:
        raise invalid_value(f"metadata has at most {METADATA_PAIRS} pairs.", field="metadata")
