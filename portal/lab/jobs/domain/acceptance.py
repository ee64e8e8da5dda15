"""Accepts runs: under locks, within quota and room, recorded, and then sent to the workers.

Submissions that arrive together are accepted together: a hundred at a time then cost the database
a dozen transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.dispatch import Outgoing, send_generations
from portal.lab.jobs.domain.load import Load, read_load
from portal.lab.jobs.domain.scheduling import send_waiting
from portal.lab.jobs.enums import JobClass
from portal.lab.jobs.models import Call, GenerationJob
from portal.lab.quota.domain.ledger import Ledger, lock_persons, open_ledger
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import Entry, record_all
from portal.platform.core.batching import Batching
from portal.platform.core.errors import DomainError
from portal.platform.core.tracing import annotate_span
from tracing import trace_headers

TOGETHER: Final = 32


@dataclass(frozen=True)
class Offer:
    """Unsaved runs of one person on one model, which are accepted all together or refused."""

    user: User
    model: HostedModel
    job_class: JobClass
    jobs: tuple[GenerationJob, ...]
    tokens: Mapping[UUID, int]
    """The most tokens that each run may need."""
    entry: Entry
    """The entry for the audit log."""
    slots: int = 0
    """Runs the workers take at a time: while they have room, these are sent immediately. 0: the
    runs wait for their turn."""
    call: Call | None = None
    is_further: bool = False
    """Whether it belongs to a set whose first offer was weighed already: a set is one action, for
    which the limit of runs at a time is checked once."""
    headers: Mapping[str, str] = field(default_factory=trace_headers)
    """The trace headers of the request."""

    @property
    def deployment(self) -> str:
        return self.model.deployment


def accept(offer: Offer) -> None:
    """Write the runs, and after the commit send their messages or hold them back.

    Raises `DomainError` with code `too_many_jobs`, `queue_full` or `quota_exceeded` before
    anything is written.
    """
    # In a transaction of the caller's, a rollback would also undo the offers of others.
    is_alone = connection.in_atomic_block
    refusal = _accept_all([offer])[0] if is_alone else _TOGETHER.ask(offer)
    if refusal is not None:
        raise refusal
    first = offer.jobs[0]
    annotate_span(job_id=str(first.pk), deployment=first.deployment, attempt=first.attempt)


class SetRefused(DomainError):  # noqa: N818 -- named after the event
    """A set of offers was refused because of the one at `place`; `refusal` says why."""

    def __init__(self, place: int, refusal: DomainError) -> None:
        super().__init__(
            refusal.code, refusal.message, field=refusal.field, next_url=refusal.next_url
        )
        self.place = place
        self.refusal = refusal


def accept_set(offers: Sequence[Offer]) -> None:
    """Accept offers of one person, also on several models, as `accept` does: all or none.

    Raises `SetRefused`; then nothing stays written.
    """
    first, *others = offers
    with transaction.atomic():
        refusals = _accept_all([first, *(replace(offer, is_further=True) for offer in others)])
        for place, refusal in enumerate(refusals):
            if refusal is not None:
                raise SetRefused(place, refusal)


def _accept_all(offers: Sequence[Offer]) -> list[DomainError | None]:
    """Accept offers one after another, in one transaction; return the refusal of each, or None."""
    users = {offer.user.pk for offer in offers}
    with transaction.atomic():
        lock_persons(users)
        load = read_load(users, {offer.deployment for offer in offers})
        ledger = open_ledger(users, at=timezone.now())
        refusals = [_weigh(offer, load, ledger) for offer in offers]
        accepted = [
            offer for offer, refusal in zip(offers, refusals, strict=True) if refusal is None
        ]
        if accepted:
            ledger.write()
            Call.objects.bulk_create(offer.call for offer in accepted if offer.call)
            GenerationJob.objects.bulk_create(job for offer in accepted for job in offer.jobs)
            record_all([offer.entry for offer in accepted])
            # `robust`: the runs stay accepted even if sending their messages fails.
            transaction.on_commit(lambda: _send_all(accepted), robust=True)
    return refusals


def _weigh(offer: Offer, load: Load, ledger: Ledger) -> DomainError | None:
    place, runs = offer.deployment, len(offer.jobs)
    try:
        if not offer.is_further:
            load.require_turn(offer.user, job_class=offer.job_class)
        load.require_room(offer.user, deployment=place, runs=runs, job_class=offer.job_class)
        ledger.take(offer.user, model=offer.model, tokens=offer.tokens)
    except DomainError as error:
        return error
    may_go = offer.slots > 0 and load.may_send(
        offer.user, deployment=place, job_class=offer.job_class, slots=offer.slots
    )
    for job in offer.jobs:
        job.sent_at = job.created_at if may_go else None
    load.count(offer.user, deployment=place, runs=runs, job_class=offer.job_class, is_sent=may_go)
    return None


def _send_all(offers: Sequence[Offer]) -> None:
    """Send the runs that may go, together; of those held back, send the ones whose turn it is."""
    traces = {job.pk: offer.headers for offer in offers for job in offer.jobs}
    jobs = [job for offer in offers for job in offer.jobs]
    send_generations([Outgoing(job, traces[job.pk]) for job in jobs if job.sent_at is not None])
    for deployment in {job.deployment for job in jobs if job.sent_at is None}:
        send_waiting(deployment, traces=traces)


_TOGETHER: Final = Batching(_accept_all, at_most=TOGETHER)
