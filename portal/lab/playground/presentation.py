"""What the playground's page shows besides the form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from portal.gate.access.domain.decide import Decision, decide, usable_models
from portal.gate.access.enums import Capability
from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.enums import JobState
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.token_names import has_logprobs
from portal.lab.jobs.wording import describe_cancel, describe_failure, describe_finish
from portal.lab.playground.token_table import TokenRow, list_tokens
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class Refusal:
    """A model that the person sees but may not use yet."""

    model: HostedModel
    decision: Decision


@dataclass(frozen=True)
class Choice:
    """A model that can be chosen, and the message about its engine."""

    model: HostedModel
    engine_message: str


@dataclass(frozen=True)
class Models:
    """The models of the page."""

    choices: Sequence[Choice]
    refusals: Sequence[Refusal]

    @property
    def usable(self) -> list[HostedModel]:
        return [choice.model for choice in self.choices]

    def find_usable(self, slug: object) -> HostedModel | None:
        return next((model for model in self.usable if model.slug == slug), None)


def list_usable(user: User) -> QuerySet[HostedModel]:
    """The models that are open to the person in the playground now."""
    return usable_models(user, Capability.PLAYGROUND, timezone.now())


def list_choices(models: Iterable[HostedModel]) -> list[Choice]:
    """The models whose engines are ready come first: a new document is for the first one."""
    choices = [Choice(model, engine_status(model.deployment).sentence) for model in models]
    return sorted(choices, key=lambda choice: choice.engine_message != "")


def list_models(user: User) -> Models:
    """The models that the person may use in the playground, and why not the other live models."""
    now = timezone.now()
    usable = list(list_usable(user))
    others = (
        HostedModel.objects.filter(status=ModelStatus.LIVE)
        .exclude(pk__in=[model.pk for model in usable])
        .select_related("release__licence")
    )
    return Models(
        choices=list_choices(usable),
        refusals=[
            Refusal(model, decide(user, model, Capability.PLAYGROUND, now)) for model in others
        ],
    )


@dataclass(frozen=True)
class RunView:
    """One run as the page shows it."""

    job: GenerationJob
    document: str
    prompt_length: int
    """In UTF-16 code units, as a browser counts."""
    message: str
    tokens_per_second: float | None
    tokens: Sequence[TokenRow]

    @property
    def has_logprobs(self) -> bool:
        return has_logprobs(self.job)

    @property
    def short_id(self) -> str:
        return str(self.job.pk)[:8]


def view_run(job: GenerationJob) -> RunView:
    """The run's document: the prompt and, once the run has ended, the completion."""
    return RunView(
        job=job,
        document=job.prompt if job.is_active else job.prompt + job.text,
        prompt_length=len(job.prompt.encode("utf-16-le", "surrogatepass")) // 2,
        message=describe_end(job),
        tokens_per_second=measure_speed(job),
        tokens=list_tokens(job),
    )


def describe_end(job: GenerationJob) -> str:
    """A sentence on how the run ended; empty before its end."""
    match JobState(job.state):
        case JobState.SUCCEEDED:
            return describe_finish(job.finish_reason)
        case JobState.CANCELLED:
            ran = job.started_at is not None
            return describe_cancel(job.cancel_reason, freed_ms=job.freed_ms, ran=ran)
        case JobState.FAILED:
            return describe_failure(job.failure_code)
        case _:
            return ""


def measure_speed(job: GenerationJob) -> float | None:
    """Tokens per second of an ended run, from its start on; None if it made none."""
    if job.started_at is None or job.finished_at is None or not job.completion_tokens:
        return None
    seconds = (job.finished_at - job.started_at).total_seconds()
    return job.completion_tokens / seconds if seconds > 0 else None
