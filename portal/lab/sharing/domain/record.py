"""The receipt of a run in words."""

from __future__ import annotations

from collections.abc import Iterator

from portal.lab.jobs.domain.receipts import write_receipt
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.wording import write_duration
from portal.lab.playground.presentation import describe_end
from portal.lab.playground.summaries import summarise_params
from portal.lab.sharing.domain.citation import describe_weights


def list_facts(job: GenerationJob) -> list[tuple[str, str]]:
    """What is known of a run besides its texts and tokens: names and values."""
    return [(name, text) for name, text in _write_facts(job) if text]


def _write_facts(job: GenerationJob) -> Iterator[tuple[str, str]]:
    receipt = write_receipt(job)
    usage = receipt["usage"]
    yield "Run", str(job.pk)
    yield "State", f"{job.get_state_display()}. {describe_end(job)}".rstrip(". ") + "."
    yield "Submitted", f"{job.created_at:%-d %B %Y, %H:%M:%S} UTC"
    yield "Waited", write_duration(receipt["queue_ms"])
    yield "First token after", write_duration(receipt["first_token_ms"])
    if job.finished_at is not None:
        yield "Ended", f"{job.finished_at:%-d %B %Y, %H:%M:%S} UTC"
    yield "Model", job.model.name
    yield "Made by", describe_weights(job.provenance)
    yield "Parameters", " · ".join(summarise_params(job.params))
    if usage["prompt_tokens"] is not None:
        read, written = usage["prompt_tokens"], usage["completion_tokens"] or 0
        yield "Tokens", f"{read:,} in the prompt, {written:,} generated"
    yield "Attempts", str(job.attempt) if job.attempt > 1 else ""
