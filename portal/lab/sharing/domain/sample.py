"""A run as the sample of a release, which every visitor of the home page may read."""

from __future__ import annotations

import json
from typing import Final

from inference_workers.contract import SamplingParams, TokenLogprobs
from portal.gate.catalog.sample_run import Choice, Provenance, SampleReceipt, Token
from portal.lab.jobs.domain.results import completion_of_row
from portal.lab.jobs.domain.token_text import TokenTexts
from portal.lab.jobs.domain.tokens import find_tokenizer
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode

DIGITS: Final = 4
"""Of a log-probability, in the file."""
NOT_SAMPLING: Final = {"v", "logprobs", "prompt_logprobs"}


def build_sample(job: GenerationJob) -> SampleReceipt:
    """The part of a run's receipt that is published, with the texts of its tokens.

    Raises `DomainError`: `invalid_value` if the run has no log-probabilities or provenance,
    `model_loading` if the tokens' texts are unknown.
    """
    made = completion_of_row(job)
    if not made.logprobs or not job.provenance:
        raise invalid_value("The run needs log-probabilities, and a worker that ended it.")
    tokenizer = find_tokenizer(job.deployment)
    if tokenizer is None:
        raise DomainError(
            RefusalCode.MODEL_LOADING,
            f"The tokenizer of {job.deployment} is unknown: start its worker.",
        )
    texts = TokenTexts(tokenizer)
    decoder = texts.pieces()
    pieces = decoder.feed(made.token_ids)
    pieces[-1] += decoder.finish()
    return SampleReceipt(
        id=str(job.pk),
        model=job.model.slug,
        created_at=job.created_at,
        sampling=_describe_sampling(SamplingParams.model_validate(job.params)),
        prompt=job.prompt,
        tokens=tuple(
            _describe(entry, text=text, texts=texts)
            for entry, text in zip(made.logprobs, pieces, strict=True)
        ),
        provenance=Provenance(
            **{name: job.provenance[name] for name in Provenance.model_fields},
        ),
    )


def write_sample(sample: SampleReceipt) -> str:
    """The file that `sample_run` of `release.toml` names."""
    return json.dumps(sample.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n"


def _describe(entry: TokenLogprobs, *, text: str, texts: TokenTexts) -> Token:
    return Token(
        id=entry.id,
        text=text,
        logprob=round(entry.logprob, DIGITS),
        rank=entry.rank,
        top=tuple(
            Choice(id=other, text=texts.text_of(other), logprob=round(logprob, DIGITS))
            for other, logprob in entry.top
        ),
    )


def _describe_sampling(params: SamplingParams) -> dict[str, bool | int | float | str]:
    """Always with the temperature; other parameters only if they differ from their defaults."""
    changed = params.model_dump(mode="json", exclude=NOT_SAMPLING, exclude_defaults=True)
    values = {"max_tokens": params.max_tokens, "temperature": params.temperature, **changed}
    is_plain = (bool, int, float, str)
    return {
        name: value if isinstance(value, is_plain) else json.dumps(value)
        for name, value in values.items()
    }
