"""Converts vLLM's log-probabilities to the contract's form, without changing any float."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from inference_workers.contract import TokenLogprobs

PREFIX = "token_id:"


def read_generated(lists: Mapping[str, Any], *, width: int) -> tuple[TokenLogprobs, ...]:
    """Log-probabilities of generated tokens, from the four lists of a completion.

    Requested with `return_tokens_as_token_ids`, so that no two tokens share a name. vLLM adds the
    chosen token if it is not among the likeliest.
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
    """Log-probabilities of a prompt's tokens, from entries keyed by token id.

    A width below 0 takes all tokens.
    """
    return tuple(
        _read_ranked(token_id, entry, width=width) if entry else None
        for token_id, entry in zip(token_ids, entries, strict=True)
    )


def read_row(top: Mapping[str, float], *, fill: float) -> list[float]:
    """A whole distribution in the order of ids; missing ids get `fill`."""
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
        # One entry too many: the token itself, which is less likely than all requested ones.
        likeliest = [item for item in likeliest if item[0] != token_id][:width]
    return TokenLogprobs(token_id, float(own["logprob"]), int(own["rank"]), tuple(likeliest))


def _read_named(top: Mapping[str, float]) -> dict[int, float]:
    return {_read_id(token): float(logprob) for token, logprob in top.items()}


def _read_id(token: str) -> int:
    return int(token.removeprefix(PREFIX))
