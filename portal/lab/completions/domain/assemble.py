"""Assembles the completions of a call's runs into one response."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from inference_workers.contract import Done, Provenance, TokenLogprobs
from portal.lab.completions.domain.logprobs import LogprobsWriter, mean_logprob
from portal.lab.completions.domain.plan import Plan
from portal.lab.completions.domain.prompts import Prompt
from portal.lab.jobs.domain.calls import Submitted
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.token_text import TokenTexts


@dataclass(frozen=True)
class Answer:
    """What every piece of a response needs."""

    plan: Plan
    submitted: Submitted
    model_name: str
    """As the client spelt it."""
    texts: TokenTexts
    provenance: Provenance | None
    return_token_ids: bool = False
    prompt_logprobs: bool = False
    """Whether they were requested by that name, in addition to those of `echo`."""

    def envelope(self) -> dict[str, Any]:
        """The fields that the response and each piece of a stream have in common."""
        return {
            "id": f"cmpl-{self.submitted.call.pk.hex}",
            "object": "text_completion",
            "created": int(self.submitted.call.created_at.timestamp()),
            "model": self.model_name,
            "system_fingerprint": fingerprint(self.provenance),
        }

    def receipt(self) -> dict[str, Any]:
        """What a client needs to find the runs and to repeat them."""
        made_by = self.provenance.model_dump(exclude={"v"}) if self.provenance else None
        return {
            "call_id": str(self.submitted.call.pk),
            "jobs": [str(job.pk) for job in self.submitted.jobs],
            "seeds": [job.params.get("seed") for job in self.submitted.jobs],
            "provenance": made_by,
            "is_repeat": self.submitted.is_repeat,
            "warnings": list(self.plan.warnings),
        }


def fingerprint(provenance: Provenance | None) -> str | None:
    """A hash that is equal for responses of the same weights and engine; None if unknown."""
    if provenance is None:
        return None
    return "fp_" + hashlib.sha256(provenance.model_dump_json().encode()).hexdigest()[:16]


def assemble(answer: Answer, completions: Sequence[Completion]) -> dict[str, Any]:
    """The whole response. All completions must be done."""
    return {
        **answer.envelope(),
        "choices": list(_choices(answer, completions)),
        "usage": count_usage(answer.plan, completions),
        "gatehouse": answer.receipt(),
    }


def count_usage(plan: Plan, completions: Sequence[Completion]) -> dict[str, int]:
    """Tokens of every prompt, counted once, and of all that was generated for it."""
    usages = [done.end.usage for done in completions if isinstance(done.end, Done)]
    prompt = sum(usage.prompt_tokens for usage in usages[:: plan.samples])
    generated = sum(usage.completion_tokens for usage in usages)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": generated,
        "total_tokens": prompt + generated,
    }


def _choices(answer: Answer, completions: Sequence[Completion]) -> Iterator[dict[str, Any]]:
    plan = answer.plan
    for number, prompt in enumerate(plan.prompts):
        first = number * plan.samples
        made = list(range(first, first + plan.samples))
        if plan.ranks:
            made.sort(key=lambda place: -mean_logprob(completions[place].logprobs))
        for sample in range(plan.n):
            place = made[sample]
            yield {
                "index": number * plan.n + sample,
                **write_choice(answer, prompt, completions[place]),
                "job_id": str(answer.submitted.jobs[place].pk),
            }


def write_choice(answer: Answer, prompt: Prompt, made: Completion) -> dict[str, Any]:
    """One choice, without its index."""
    plan = answer.plan
    head = echo_text(answer, prompt) if plan.echo else ""
    text = head + made.text
    choice: dict[str, Any] = {
        "text": text,
        "logprobs": _write_logprobs(answer, made, head=head, text=text),
        "finish_reason": made.end.finish_reason.value if isinstance(made.end, Done) else None,
    }
    if answer.return_token_ids:
        choice["token_ids"] = list(made.token_ids)
        choice["prompt_token_ids"] = list(made.prompt_token_ids or prompt.token_ids) or None
    if answer.prompt_logprobs and made.scored:
        choice["prompt_logprobs"] = [
            write_scores(entry, answer.texts) if entry else None for entry in made.scored.logprobs
        ]
    return choice


def echo_text(answer: Answer, prompt: Prompt) -> str:
    """The prompt's text, as `echo` shows it."""
    return prompt.text or answer.texts.decode(prompt.token_ids)


def write_scores(entry: TokenLogprobs, texts: TokenTexts) -> dict[str, dict[str, Any]]:
    """By token id, so that no two tokens share an entry; ranks where they are known."""
    named = {
        str(token_id): {
            "logprob": logprob,
            "rank": rank,
            "decoded_token": texts.text_of(token_id),
        }
        for rank, (token_id, logprob) in enumerate(entry.top, start=1)
    }
    named[str(entry.id)] = {
        "logprob": entry.logprob,
        "rank": entry.rank,
        "decoded_token": texts.text_of(entry.id),
    }
    return named


def _write_logprobs(
    answer: Answer, made: Completion, *, head: str, text: str
) -> dict[str, Any] | None:
    if answer.plan.logprobs is None:
        return None
    writer = LogprobsWriter(answer.texts, width=answer.plan.logprobs)
    scored = made.scored if answer.plan.echo else None
    before = writer.write_prompt(scored.token_ids, scored.logprobs, text=head) if scored else {}
    after = writer.write(made.token_ids, made.logprobs)
    lists = {name: [*before.get(name, []), *own] for name, own in after.items()}
    # A stop string is cut from the text, but not from the tokens.
    lists["text_offset"] = [min(offset, len(text)) for offset in lists["text_offset"]]
    return lists
