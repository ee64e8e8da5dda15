"""The texts of tokens beside their log-probabilities, for readers without a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from inference_workers.contract import Delta, Event, Scored, Snapshot
from portal.lab.jobs.domain.token_text import TokenTexts
from portal.lab.jobs.domain.tokens import find_tokenizer
from portal.lab.jobs.models import GenerationJob

Readable: TypeAlias = Delta | Snapshot | Scored


class TokenNames:
    """Names the tokens of one connection's events, which it reads in order from the first.

    Each event with log-probabilities gets `pieces`, each token's part of the text, and `names`: by
    id, the text of every token that no earlier event named. A token that is no whole character has
    its bytes instead.
    """

    def __init__(self, texts: TokenTexts, *, prompt: str) -> None:
        self._texts = texts
        self._prompt = prompt
        self._pieces = texts.pieces()
        self._named: set[int] = set()

    def write(self, event: Readable) -> str:
        """The event as JSON, with `pieces` and `names`."""
        return json.dumps(self._describe(event), ensure_ascii=False, separators=(",", ":"))

    def skip(self, event: Event) -> None:
        """Read an event that the reader has already."""
        if isinstance(event, Delta | Snapshot):
            self._cut(event)

    def _describe(self, event: Readable) -> dict[str, Any]:
        data = {**json.loads(event.model_dump_json()), "pieces": self._cut(event)}
        if isinstance(event, Snapshot) and event.scored:
            data["scored"] = self._describe(event.scored)
        return {**data, "names": self._name(_list_ids(event))}

    def _cut(self, event: Readable) -> list[str]:
        if isinstance(event, Scored):
            return self._texts.pieces().feed_prompt(event.token_ids, text=self._prompt)
        if isinstance(event, Snapshot):
            self._pieces = self._texts.pieces()
        return self._pieces.feed(event.token_ids)

    def _name(self, token_ids: Iterable[int]) -> dict[int, str | list[int]]:
        names: dict[int, str | list[int]] = {}
        for token_id in token_ids:
            if token_id not in self._named:
                self._named.add(token_id)
                names[token_id] = self._texts.name_of(token_id)
        return names


def _list_ids(event: Readable) -> Iterator[int]:
    yield from event.token_ids
    for entry in event.logprobs:
        if entry is not None:
            yield from (token_id for token_id, _ in entry.top)


def has_logprobs(job: GenerationJob) -> bool:
    """Whether log-probabilities were requested for the run's completion or prompt."""
    return (job.params.get("logprobs"), job.params.get("prompt_logprobs")) != (None, None)


def find_names(job: GenerationJob) -> TokenNames | None:
    """For a run with log-probabilities whose model's tokenizer is known; otherwise None."""
    tokenizer = find_tokenizer(job.deployment) if has_logprobs(job) else None
    if tokenizer is None:
        return None
    is_scored = job.params.get("prompt_logprobs") is not None
    return TokenNames(TokenTexts(tokenizer), prompt=job.prompt if is_scored else "")
