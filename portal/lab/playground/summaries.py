"""Runs as the history shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inference_workers.contract import SamplingParams
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.presentation import describe_end
from portal.lab.playground.stops import format_stops
from portal.lab.playground.structures import write_structure

NAMES = {
    "max_tokens": "max tokens",
    "temperature": "temperature",
    "top_p": "top-p",
    "top_k": "top-k",
    "min_p": "min-p",
    "presence_penalty": "presence penalty",
    "frequency_penalty": "frequency penalty",
    "repetition_penalty": "repetition penalty",
    "min_tokens": "min tokens",
    "seed": "seed",
}
COUNTED = {
    "stop_token_ids": "stop token",
    "logit_bias": "biased token",
    "allowed_token_ids": "allowed token",
    "bad_words": "bad word",
}
STRUCTURES = {"regex": "regular expression", "choice": "choice", "json_schema": "JSON schema"}
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
    return [*parts, *_summarise_rare(sampling)]


def _summarise_rare(sampling: SamplingParams) -> Iterator[str]:
    for name, label in COUNTED.items():
        if count := len(getattr(sampling, name)):
            yield f"{count:,} {label}{'s' if count > 1 else ''}"
    if sampling.ignore_eos:
        yield "end of text ignored"
    if not sampling.add_special_tokens:
        yield "without the beginning token"
    if kind := write_structure(sampling.structure)[0]:
        yield STRUCTURES[kind]
