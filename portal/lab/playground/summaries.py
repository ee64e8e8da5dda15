"""Runs as the history shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inference_workers.contract import SamplingParams
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.presentation import describe_end
from portal.lab.playground.stops import format_stops

NAMES = {
    "max_tokens": "max tokens",
    "temperature": "temperature",
    "top_p": "top-p",
    "top_k": "top-k",
    "presence_penalty": "presence penalty",
    "frequency_penalty": "frequency penalty",
    "seed": "seed",
}
ALWAYS = ("max_tokens", "temperature")


@dataclass(frozen=True)
class HistoryRow:
    """One run in a line or two."""

    job: GenerationJob
    excerpt: str
    params: list[str]
    ending: str


def list_rows(jobs: Iterable[GenerationJob]) -> list[HistoryRow]:
    """Rows of jobs from `notebook.domain.history.list_runs`."""
    return [
        HistoryRow(
            job=job,
            excerpt=getattr(job, "excerpt", ""),
            params=summarise_params(job.params),
            ending=describe_end(job),
        )
        for job in jobs
    ]


def summarise_params(params: Mapping[str, Any]) -> list[str]:
    """Each parameter as `name value`, without those that have no effect."""
    sampling = SamplingParams.model_validate(params)
    parts = []
    for name, label in NAMES.items():
        value = getattr(sampling, name)
        if name in ALWAYS or value != SamplingParams.model_fields[name].default:
            parts.append(f"{label} {value:g}" if isinstance(value, float) else f"{label} {value}")
    if sampling.stop:
        parts.append("stop " + format_stops(sampling.stop).replace("\n", " "))
    return parts
