"""What is under way when runs are accepted, and whether there is room for more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import connection

from portal.accounts.models import User
from portal.core.errors import DomainError
from portal.jobs.domain.fairness import may_begin
from portal.jobs.enums import JobClass


@dataclass
class QueueLoad:
    """One deployment's runs that have not ended."""

    queued: int = 0
    """Those that have not begun. Batches wait in their own files and fill no queue."""
    held_back: int = 0
    sent: dict[JobClass, int] = field(default_factory=lambda: dict.fromkeys(JobClass, 0))


@dataclass
class Load:
    """Runs of some people, on any deployment, and of some deployments, whoever's they are."""

    own: dict[int, int]
    queues: dict[str, QueueLoad]

    def require_room(self, user: User, *, deployment: str, runs: int, job_class: JobClass) -> None:
        """Refuse when the person or the queue has enough to do.

        Raises `DomainError` with code `too_many_jobs` (who runs by hand) or `queue_full`.
        """
        if job_class is JobClass.BATCH:
            return
        if job_class is JobClass.INTERACTIVE and self.own[user.pk] >= settings.JOBS_PER_USER:
            raise DomainError(
                "too_many_jobs",
                f"You have {self.own[user.pk]} runs under way, and {settings.JOBS_PER_USER} is the "
                "most at a time. Wait for one to finish, or stop one.",
            )
        queued = self.queues[deployment].queued
        # A request of more runs than the queue has places is taken when the queue is empty.
        if queued + runs > max(settings.QUEUE_LIMIT, runs):
            raise DomainError(
                "queue_full",
                f"The queue is full: {queued:,} runs are waiting for this model. Nothing is lost; "
                "try again in a minute.",
            )

    def may_send(self, deployment: str, *, job_class: JobClass, slots: int) -> bool:
        """Whether one more run may go to the workers at once, past nobody who is held back."""
        queue = self.queues[deployment]
        return not queue.held_back and may_begin(job_class, queue.sent, slots=slots)

    def count(
        self, user: User, *, deployment: str, runs: int, job_class: JobClass, is_sent: bool
    ) -> None:
        """Take in what was just accepted."""
        queue = self.queues[deployment]
        self.own[user.pk] += runs
        if job_class is not JobClass.BATCH:
            queue.queued += runs
        if is_sent:
            queue.sent[job_class] += runs
        else:
            queue.held_back += runs


# Written out: the ORM takes longer to put this together than the database to answer it.
_LOAD: Final = """
SELECT
    user_id,
    deployment,
    count(*),
    count(*) FILTER (WHERE state = 'queued' AND job_class <> 'batch'),
    count(*) FILTER (WHERE state = 'queued' AND sent_at IS NULL),
    count(*) FILTER (WHERE sent_at IS NOT NULL AND job_class = 'interactive'),
    count(*) FILTER (WHERE sent_at IS NOT NULL AND job_class = 'api'),
    count(*) FILTER (WHERE sent_at IS NOT NULL AND job_class = 'batch')
FROM jobs_generationjob
WHERE state IN ('queued', 'running')
    AND (user_id = ANY (%(users)s) OR deployment = ANY (%(deployments)s))
GROUP BY GROUPING SETS ((user_id), (deployment))
HAVING user_id = ANY (%(users)s) OR deployment = ANY (%(deployments)s)
"""


def read_load(users: Collection[int], deployments: Collection[str]) -> Load:
    """One query; call it under the locks on the persons."""
    load = Load(dict.fromkeys(users, 0), {name: QueueLoad() for name in deployments})
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, {"users": list(users), "deployments": list(deployments)})
        for user, deployment, runs, queued, held_back, *sent in cursor.fetchall():
            if user is not None:
                load.own[user] = runs
            else:
                load.queues[deployment] = QueueLoad(queued, held_back, _by_class(sent))
    return load


def _by_class(sent: Collection[int]) -> dict[JobClass, int]:
    order = (JobClass.INTERACTIVE, JobClass.API, JobClass.BATCH)
    return dict(zip(order, sent, strict=True))
