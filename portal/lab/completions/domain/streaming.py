"""The response as a stream of pieces, as OpenAI's clients read it.

It has only `data:` lines and comments: these clients take an `id:` for an empty event.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any, Final

from inference_workers.contract import (
    Cancelled,
    Delta,
    Done,
    Event,
    Failed,
    Row,
    Scored,
    Snapshot,
    Started,
    TokenLogprobs,
)
from portal.lab.completions.domain.assemble import Answer, count_usage, echo_text
from portal.lab.completions.domain.collect import merge
from portal.lab.completions.domain.failures import find_failure
from portal.lab.completions.domain.logprobs import LogprobsWriter
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.queue import Place
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

SILENCE_SECONDS: Final = 10.0
DONE: Final = b"data: [DONE]\n\n"
KEEP_ALIVE: Final = b": keep-alive\n\n"


class StreamFailedError(Exception):
    """A run failed or was stopped after the response had begun; `error` says why."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(error.code)
        self.error = error


Write = Callable[[Answer, dict[str, Any]], dict[str, Any]]
"""Turns a choice into a piece of the stream."""


def write_piece(answer: Answer, choice: dict[str, Any]) -> dict[str, Any]:
    """A piece of a streamed completion."""
    return {**answer.envelope(), "choices": [choice]}


async def stream_pieces(
    answer: Answer, *, include_usage: bool, write: Write = write_piece
) -> AsyncIterator[bytes]:
    """The frames of the response, except the last one, DONE.

    Raises `StreamFailedError` if a run fails.
    """
    jobs = answer.submitted.jobs
    runs = [_Run(answer, place) for place in range(len(jobs))]
    async with aclosing(merge(jobs, silence=SILENCE_SECONDS)) as events:  # type: ignore[type-var]
        async for item in events:
            if item is None:
                yield KEEP_ALIVE
                continue
            place, event = item
            if isinstance(event, Place):
                yield f": queued {event.position}\n\n".encode()
                continue
            for choice in runs[place].take(event):
                piece = write(answer, choice)
                yield frame({**piece, "usage": None} if include_usage else piece)
    if include_usage:
        usage = count_usage(answer.plan, [run.made for run in runs])
        receipt = {"gatehouse": answer.receipt()}
        head = {**write(answer, {}), "choices": []}
        yield frame({**head, "usage": usage, **receipt})


def frame(data: dict[str, Any]) -> bytes:
    """One piece of a stream."""
    return b"data: " + json.dumps(data, separators=(",", ":"), allow_nan=False).encode() + b"\n\n"


class _Run:
    """One run's pieces."""

    def __init__(self, answer: Answer, place: int) -> None:
        plan = answer.plan
        self.made = Completion()
        self._answer = answer
        self._prompt = plan.prompts[place // plan.samples]
        self._index = place
        self._writer = LogprobsWriter(answer.texts, width=plan.logprobs or 0)
        self._has_echoed = not plan.echo

    def take(self, event: Event) -> Iterator[dict[str, Any]]:
        """The choices of the event; each becomes a piece."""
        if isinstance(event, Scored):
            yield from self._echo(event)
        elif isinstance(event, Snapshot):
            yield from self._echo(event.scored)
        elif not (isinstance(event, Started) and self._waits_for_scores):
            yield from self._echo(None)
        match event:
            case Delta() if event.offset == len(self.made.token_ids):
                yield from self._write(event.text, event.token_ids, event.logprobs)
            case Snapshot():
                yield from self._go_on(event)
            case Done():
                self.made.add(event)
                yield from self._name("", None, finish_reason=event.finish_reason.value)
                return
            case Failed() | Cancelled():
                self.made.add(event)
                error = find_failure(self.made)
                if error is not None:
                    raise StreamFailedError(error)
            case Started() | Scored() | Row() | Delta():
                pass
        self.made.add(event)

    @property
    def _waits_for_scores(self) -> bool:
        return self._answer.plan.echo and self._answer.plan.logprobs is not None

    def _echo(self, scored: Scored | None) -> Iterator[dict[str, Any]]:
        if self._has_echoed:
            return
        self._has_echoed = True
        text, logprobs = echo_text(self._answer, self._prompt), None
        if scored is not None and self._answer.plan.logprobs is not None:
            logprobs = self._writer.write_prompt(scored.token_ids, scored.logprobs, text=text)
        yield from self._name(text, logprobs)

    def _write(
        self, text: str, token_ids: tuple[int, ...], entries: tuple[TokenLogprobs, ...]
    ) -> Iterator[dict[str, Any]]:
        logprobs = None
        if self._answer.plan.logprobs is not None:
            logprobs = self._writer.write(token_ids, entries)
        yield from self._name(text, logprobs, token_ids=token_ids)

    def _go_on(self, whole: Snapshot) -> Iterator[dict[str, Any]]:
        """The part of a restarted stream that was not sent yet."""
        sent = len(self.made.token_ids)
        if list(whole.token_ids[:sent]) != self.made.token_ids or not whole.text.startswith(
            self.made.text
        ):
            raise StreamFailedError(
                DomainError(
                    RefusalCode.WORKER_LOST, "The run had to start again and gave another text."
                )
            )
        yield from self._write(
            whole.text[len(self.made.text) :], whole.token_ids[sent:], whole.logprobs[sent:]
        )

    def _name(
        self,
        text: str,
        logprobs: dict[str, Any] | None,
        *,
        token_ids: tuple[int, ...] = (),
        finish_reason: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        choice: dict[str, Any] = {
            "index": self._index,
            "text": text,
            "logprobs": logprobs,
            "finish_reason": finish_reason,
        }
        if self._answer.return_token_ids:
            choice["token_ids"] = list(token_ids)
        yield choice
