"""Sends waiting runs to the workers, no more than they can take, in the order of `fairness`.

Other runs are held back in the database. A queue of the broker is first come, first served, and
would put one person's hundred runs before everybody else's next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID
from zlib import crc32

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from portal.gate.access.domain.rights.limits import parallel_limits
from portal.lab.jobs.domain.dispatch import Outgoing, send_generations
from portal.lab.jobs.domain.fairness import Running, Waiting, arrange, choose
from portal.lab.jobs.domain.workers import EngineStatus, engine_status
from portal.lab.jobs.enums import ACTIVE_STATES, JobClass, JobState
from portal.lab.jobs.models import GenerationJob
from tracing import trace_headers

SLOTS_WITHOUT_WORKERS = 16
"""Runs that are sent while no worker has reported its capacity."""
_LOCK = 7_235_004
"""First key of the advisory locks on deployments; the second is a hash of the name."""


def count_slots(engine: EngineStatus) -> int:
    """Runs that may be with the workers at a time: those they can run, and a few more."""
    slots = engine.capacity or SLOTS_WITHOUT_WORKERS
    return slots + max(2, slots // 8)


def send_waiting(
    deployment: str, *, traces: Mapping[UUID, Mapping[str, str]] = MappingProxyType({})
) -> int:
    """Send the runs that may begin now; return their number. Safe to call at any time.

    `traces` are the W3C headers of runs whose request is known; other runs get the caller's trace.
    """
    held_back = GenerationJob.objects.filter(
        deployment=deployment, state=JobState.QUEUED, sent_at__isnull=True
    )
    if not held_back.exists():
        return 0
    slots = count_slots(engine_status(deployment))
    with transaction.atomic():
        _lock(deployment)
        running = read_sent(deployment)
        waiting = read_held_back(deployment, most=slots)
        limits = parallel_limits(
            {run.user_id for run in waiting},
            deployment=deployment,
            at=timezone.now(),
            default=settings.API_JOBS_PER_USER,
        )
        chosen = choose(arrange(waiting, running), running, slots=slots, limits=limits)
        ids = [run.id for run in chosen]
        rows = held_back.filter(pk__in=ids).order_by("pk").select_for_update()
        jobs = {job.pk: job for job in rows}
        held_back.filter(pk__in=jobs).update(sent_at=timezone.now())
        here = trace_headers()
        messages = [Outgoing(jobs[id_], traces.get(id_, here)) for id_ in ids if id_ in jobs]
        transaction.on_commit(lambda: send_generations(messages))
    return len(jobs)


def read_held_back(deployment: str, *, most: int) -> list[Waiting]:
    """The runs whose message was not sent yet: the `most` oldest of each person and class.

    No more than these can be next, and a person's thousandth run must not slow every choice.
    """
    now = timezone.now()
    place = Window(
        RowNumber(),
        partition_by=[F("job_class"), F("user_id")],
        order_by=[F("created_at"), F("call_index"), F("pk")],
    )
    rows = (
        GenerationJob.objects.filter(
            deployment=deployment, state=JobState.QUEUED, sent_at__isnull=True
        )
        .annotate(place=place)
        .filter(place__lte=most)
        .order_by("place")
        .values_list("pk", "user_id", "job_class", "created_at")
    )
    return [
        Waiting(pk, user_id, JobClass(job_class), waited=(now - created_at).total_seconds())
        for pk, user_id, job_class, created_at in rows
    ]


def read_sent(deployment: str) -> list[Running]:
    """The runs that are with the workers, begun or not."""
    rows = GenerationJob.objects.filter(
        deployment=deployment, state__in=ACTIVE_STATES, sent_at__isnull=False
    ).values_list("user_id", "job_class")
    return [Running(user_id, JobClass(job_class)) for user_id, job_class in rows]


def _lock(deployment: str) -> None:
    """Let one process at a time choose for the deployment, until the transaction ends."""
    key = crc32(deployment.encode()) - 2**31
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, key])
