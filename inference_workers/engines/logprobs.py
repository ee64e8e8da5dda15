"""vLLM's log-probabilities as the contract has them. No float is changed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference_workers.contract import TokenLogprobs

PREFIX = "token_id:"


def read_generated(lists: Mapping[str, Any], *, width: int) -> tuple[TokenLogprobs, ...]:
    """Of generated tokens, from the four lists of a completion.

    Asked for with `return_tokens_as_token_ids`, so that no two tokens share a name. vLLM adds the
    chosen token where it is not among the likeliest.
    """
    return tuple(
        _read_entry(_read_id(token), float(logprob), _read_named(top or {}), width=width)
        for token, logprob, top in zip(
            lists["tokens"], lists["token_logprobs"], lists["top_logprobs"], strict=True
        )
    )


def read_prompt(
    entries: Sequence[Mapping[str, Any] | None], token_ids: Sequence[int], *, width: int
) -> tuple[TokenLogprobs | None, ...]:
    """Of a prompt's tokens, each entry keyed by token id; a width below 0 takes all."""
    return tuple(
        _read_ranked(token_id, entry, width=width) if entry else None
        for token_id, entry in zip(token_ids, entries, strict=True)
    )


def read_row(top: Mapping[str, float], *, fill: float) -> list[float]:
    """A whole distribution in the order of ids; ids that are not named get `fill`."""
    named = _read_named(top)
    row = [fill] * (max(named) + 1)
    for token_id, logprob in named.items():
        row[token_id] = logprob
    return row


def _read_entry(
    token_id: int, logprob: float, named: Mapping[int, float], *, width: int
) -> TokenLogprobs:
    is_within = len(named) <= width
    likeliest = sorted(
        ((other, value) for other, value in named.items() if is_within or other != token_id),
        key=lambda item: -item[1],
    )
    rank = 1 + sum(value > logprob for _, value in likeliest) if is_within else None
    return TokenLogprobs(token_id, logprob, rank, tuple(likeliest[:width]))


def _read_ranked(token_id: int, entry: Mapping[str, Any], *, width: int) -> TokenLogprobs:
    own = entry[str(token_id)]
    likeliest = sorted(
        ((int(other), float(value["logprob"])) for other, value in entry.items()),
        key=lambda item: -item[1],
    )
    if 0 <= width < len(likeliest):
        # One too many: the token itself, which is less likely than all that were asked for.
        likeliest = [item for item in likeliest if item[0] != token_id][:width]
    return TokenLogprobs(token_id, float(own["logprob"]), int(own["rank"]), tuple(likeliest))


def _read_named(top: Mapping[str, float]) -> dict[int, float]:
    return {_read_id(token): float(logprob) for token, logprob in top.items()}


def _read_id(token: str) -> int:
    return int(token.removeprefix(PREFIX))
