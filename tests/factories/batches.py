"""Files of requests, and a worker that answers the runs of a batch."""

from __future__ import annotations

import json
from typing import Any

import redis

from portal.gate.keys.models import ApiKey
from portal.lab.batches.domain.advance import advance_batch
from portal.lab.batches.domain.creation import create_batch
from portal.lab.batches.domain.files import read_lines, write_file
from portal.lab.batches.domain.ids import FILE, write_id
from portal.lab.batches.enums import FilePurpose
from portal.lab.batches.models import Batch, StoredFile
from portal.lab.batches.wire import BatchRequest
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.enums import ACTIVE_STATES
from portal.lab.jobs.models import GenerationJob
from tests.factories.batch_lines import write_jsonl
from tests.factories.jobs import FakeWorker


def make_batch(key: ApiKey, *requests: object) -> Batch:
    """A batch of these requests, accepted and not yet processed."""
    content = [write_jsonl(*requests)]
    file = write_file(key.user, content, name="in.jsonl", purpose=FilePurpose.BATCH)
    return create_batch(
        key,
        BatchRequest(
            input_file_id=write_id(FILE, file.pk),
            endpoint="/v1/completions",
            completion_window="24h",
        ),
    )


def advance(batch: Batch) -> Batch:
    """Process the batch once, and return it."""
    advance_batch(batch.pk)
    batch.refresh_from_db()
    return batch


def active_jobs() -> list[GenerationJob]:
    """The runs in progress, in the order of their submission."""
    jobs = GenerationJob.objects.filter(state__in=ACTIVE_STATES)
    return list(jobs.order_by("created_at", "call_index"))


def answer_jobs(client: redis.Redis, *, count: int | None = None) -> int:
    """End the first `count` runs in progress, and return their number."""
    jobs = active_jobs()[:count]
    for job in jobs:
        worker = FakeWorker(client, job.pk)
        worker.start()
        worker.stream(" well", " said")
        record_outcome(worker.outcome(worker.end()))
    return len(jobs)


def read_objects(file: StoredFile | None) -> list[dict[str, Any]]:
    """The objects in a file, by line."""
    assert file is not None
    return [json.loads(line) for line in read_lines(file) if line]
