"""The load when runs are accepted, and whether there is room for more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import connection

from portal.lab.jobs.domain.fairness import Held
from portal.lab.jobs.enums import JobClass
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


@dataclass
class QueueLoad:
    """One deployment's runs that have not ended."""

    waiting: Counter[tuple[JobClass, int]] = field(default_factory=Counter)
    """Runs that have not begun, by class and person."""
    held_back: int = 0
    sent: Held = field(default_factory=Held)

    def count_people(self, job_class: JobClass) -> int:
        """The number of people who wait in the class."""
        return sum(each is job_class and runs > 0 for (each, _), runs in self.waiting.items())


@dataclass
class Load:
    """People's interactive runs on all deployments, and the queues of some deployments."""

    own: Counter[int]
    queues: dict[str, QueueLoad]

    def require_turn(self, user: User, *, job_class: JobClass) -> None:
        """Refuse interactive runs while as many of the person's are under way as may be.

        Raises `DomainError` with code `too_many_jobs`.
        """
        if job_class is JobClass.INTERACTIVE and self.own[user.pk] >= settings.JOBS_PER_USER:
            raise DomainError(
                RefusalCode.TOO_MANY_JOBS,
                f"You have {self.own[user.pk]} runs under way; the limit is "
                f"{settings.JOBS_PER_USER} at a time. Wait for one to finish, or stop one.",
            )

    def require_room(self, user: User, *, deployment: str, runs: int, job_class: JobClass) -> None:
        """Refuse runs beyond the person's share of the deployment's queue.

        The people who wait in a class share its places equally, so that one person's runs take no
        place from another's. A person with no run waiting is always admitted.

        Raises `DomainError` with code `queue_full`.
        """
        if job_class is JobClass.BATCH:
            return
        queue = self.queues[deployment]
        own, people = queue.waiting[job_class, user.pk], queue.count_people(job_class)
        share = settings.QUEUE_LIMIT // max(1, people)
        if own and own + runs > share:
            raise DomainError(
                RefusalCode.QUEUE_FULL,
                f"With {own:,} of your runs already waiting for this model, {runs:,} more would "
                f"exceed your share of its queue, {share:,}: all people who wait share its "
                f"{settings.QUEUE_LIMIT:,} places. Nothing is lost; try again in a minute.",
            )

    def may_send(self, user: User, *, deployment: str, job_class: JobClass, slots: int) -> bool:
        """Whether one more run may be sent immediately, without overtaking runs held back."""
        queue = self.queues[deployment]
        return not queue.held_back and queue.sent.may_begin(job_class, user.pk, slots=slots)

    def count(
        self, user: User, *, deployment: str, runs: int, job_class: JobClass, is_sent: bool
    ) -> None:
        """Add runs that were just accepted."""
        queue = self.queues[deployment]
        if job_class is JobClass.INTERACTIVE:
            self.own[user.pk] += runs
        queue.waiting[job_class, user.pk] += runs
        if is_sent:
            queue.sent.take(job_class, user.pk, runs=runs)
        else:
            queue.held_back += runs


# Written in SQL: the ORM takes longer to build this query than the database to run it.
_LOAD: Final = """
SELECT
    user_id,
    deployment,
    job_class,
    count(*),
    count(*) FILTER (WHERE state = 'queued'),
    count(*) FILTER (WHERE state = 'queued' AND sent_at IS NULL),
    count(*) FILTER (WHERE sent_at IS NOT NULL)
FROM jobs_generationjob
WHERE state IN ('queued', 'running')
    AND (user_id = ANY (%(users)s) OR deployment = ANY (%(deployments)s))
GROUP BY user_id, deployment, job_class
"""


def read_load(users: Collection[int], deployments: Collection[str]) -> Load:
    """Read the load in one query; call it under the locks on the persons."""
    load = Load(Counter(), {name: QueueLoad() for name in deployments})
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, {"users": list(users), "deployments": list(deployments)})
        for user, deployment, name, runs, waiting, held_back, sent in cursor.fetchall():
            job_class = JobClass(name)
            if job_class is JobClass.INTERACTIVE and user in users:
                load.own[user] += runs
            if (queue := load.queues.get(deployment)) is not None:
                queue.waiting[job_class, user] += waiting
                queue.held_back += held_back
                queue.sent.take(job_class, user, runs=sent)
    return load
