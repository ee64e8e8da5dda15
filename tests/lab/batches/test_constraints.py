"""What the database itself refuses."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.lab.batches.domain.status import move_batch
from portal.lab.batches.enums import FINAL_STATUSES, TRANSITIONS, BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow
from tests.factories.batch_lines import write_request
from tests.factories.batches import make_batch
from tests.factories.keys import ApiKeyFactory

TARGETS = [status for status in BatchStatus if status != BatchStatus.VALIDATING]
pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(valkey: redis.Redis) -> Batch:
    return make_batch(ApiKeyFactory.create(), write_request("a", model="m"))


def test_a_final_status_is_left_by_no_move(batch: Batch) -> None:
    for status in FINAL_STATUSES:
        Batch.objects.filter(pk=batch.pk).update(status=status, **{f"{status}_at": timezone.now()})
        with transaction.atomic():
            assert not any(move_batch(batch, target) for target in TARGETS)
        assert TRANSITIONS[status] == frozenset()


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "unheard-of"},
        {"status": BatchStatus.COMPLETED},
        {"status": BatchStatus.FINALIZING, "finalizing_at": timezone.now()},
    ],
)
def test_a_status_without_what_belongs_to_it_is_refused(
    batch: Batch, changes: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(**changes)


def test_an_open_batch_has_no_files_yet(batch: Batch) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(output_file=batch.input_file)


def test_a_submitted_row_has_a_call(batch: Batch) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        BatchRow.objects.create(batch=batch, line=1, custom_id="a", state=RowState.SUBMITTED)
