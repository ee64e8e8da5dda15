"""Whole distributions over the vocabulary, as arrays and as summaries."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import numpy as np
import redis
from numpy.typing import NDArray
from safetensors.numpy import save

from inference_workers.contract import SamplingParams, row_key
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.admission import Run
from portal.lab.jobs.domain.token_text import TokenTexts
from portal.lab.jobs.domain.tokens import encode_text, find_vocabulary, require_token
from portal.lab.scoring.domain.tokens import Reader, require_tokenizer
from portal.lab.scoring.wire import DistributionsRequest
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.redis import bytes_redis
from portal.platform.core.refusals import RefusalCode

VALUES_MOST: Final = 4_000_000
"""Log-probabilities of one request, positions times vocabulary: 16 MB."""
LOOK_ONLY: Final = SamplingParams(max_tokens=0, temperature=0.0)
NAMES: Final = {"max_tokens": "prompt"}
"""Fields of completions that a refusal may name, as a request for distributions has them."""


@dataclass(frozen=True)
class DistributionPlan:
    """One run; `positions` in the order of the request."""

    token_ids: tuple[int, ...]
    positions: tuple[int, ...]
    named: tuple[int, ...]
    run: Run


@dataclass(frozen=True)
class Distributions:
    """`logprobs` is float32 of shape positions x vocabulary, natural logarithms."""

    positions: tuple[int, ...]
    logprobs: NDArray[np.float32]

    def entropy(self) -> NDArray[np.float64]:
        """The entropy of each row in nats: -sum p log p, in float64."""
        logs = self.logprobs.astype(np.float64)
        return cast("NDArray[np.float64]", (np.exp(logs) * -logs).sum(axis=1))


def plan_distributions(request: DistributionsRequest, *, model: HostedModel) -> DistributionPlan:
    """The run of the request; raises `DomainError` naming the field."""
    tokenizer = require_tokenizer(model)
    reader = Reader(
        tokenizer,
        vocabulary=find_vocabulary(model.deployment),
        add_special_tokens=request.add_special_tokens,
    )
    ids = reader.read(request.prompt, field="prompt")
    if not ids:
        raise invalid_value("The prompt has no tokens.", field="prompt")
    positions = tuple(_place(position, length=len(ids)) for position in request.positions)
    width = reader.vocabulary or tokenizer.get_vocab_size()
    if len(positions) * width > VALUES_MOST:
        raise invalid_value(
            f"{len(positions)} positions over a vocabulary of {width:,} are "
            f"{len(positions) * width:,} values; the limit for a request is {VALUES_MOST:,}, "
            f"or {VALUES_MOST // width} positions.",
            field="positions",
        )
    return DistributionPlan(
        token_ids=ids,
        positions=positions,
        named=tuple(
            _name(token, reader=reader, field=f"tokens[{place}]")
            for place, token in enumerate(request.tokens)
        ),
        run=Run(
            sampling=LOOK_ONLY,
            prompt_token_ids=ids,
            positions=tuple(sorted(set(positions))),
        ),
    )


def read_distributions(job_id: UUID, positions: Sequence[int]) -> Distributions:
    """The rows of a finished run; raises `DomainError` if they have expired."""
    try:
        rows = bytes_redis().mget([row_key(job_id, position) for position in positions])
    except redis.RedisError as error:
        raise DomainError(
            RefusalCode.WORKER_LOST, "The queue does not answer. Try again."
        ) from error
    values = [row for row in cast("list[bytes | None]", rows) if row is not None]
    if len(values) < len(positions):
        raise DomainError(
            RefusalCode.WORKER_LOST, "The distributions have expired. Request them again."
        )
    arrays = [np.frombuffer(row, dtype="<f4") for row in values]
    return Distributions(tuple(positions), np.stack(arrays))


def write_summary(
    plan: DistributionPlan, found: Distributions, *, top: int, texts: TokenTexts
) -> list[dict[str, Any]]:
    """For each position its entropy, the requested tokens, and the likeliest ones."""
    entropy = found.entropy()
    return [
        {
            "position": position,
            "entropy": float(entropy[row]),
            "tokens": [_describe(token, found.logprobs[row], texts) for token in plan.named],
            "top": [
                _describe(int(token), found.logprobs[row], texts)
                for token in list_likeliest(found.logprobs[row], top)
            ],
        }
        for row, position in enumerate(found.positions)
    ]


def write_arrays(
    plan: DistributionPlan, found: Distributions, *, format_name: str, metadata: Mapping[str, str]
) -> bytes:
    """`logprobs`, `positions`, `entropy` and `token_ids` in one file."""
    arrays: dict[str, NDArray[Any]] = {
        "logprobs": found.logprobs,
        "positions": np.array(found.positions, dtype=np.int64),
        "entropy": found.entropy(),
        "token_ids": np.array(plan.token_ids, dtype=np.int64),
    }
    if format_name == "safetensors":
        return bytes(save(arrays, metadata=dict(metadata)))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def list_likeliest(row: NDArray[np.floating[Any]], count: int) -> NDArray[np.int64]:
    """Of equally likely tokens those with smaller ids first, also where only some of them fit."""
    count = min(count, len(row))
    least = -np.partition(-row, count - 1)[count - 1]
    able = np.flatnonzero(row >= least)
    return able[np.argsort(-row[able], kind="stable")][:count]


def _describe(token: int, row: NDArray[np.float32], texts: TokenTexts) -> dict[str, Any]:
    """One token of a row; its rank is one more than the number of likelier tokens."""
    if token >= len(row):
        raise invalid_value(
            f"The model has no token {token}: it has {len(row):,} tokens.", field="tokens"
        )
    return {
        "id": token,
        "token": texts.text_of(token),
        "logprob": float(row[token]),
        "rank": int((row > row[token]).sum()) + 1,
    }


def _place(position: int, *, length: int) -> int:
    place = position + length + 1 if position < 0 else position
    if not 1 <= place <= length:
        raise invalid_value(
            f"Position {position} is not in the prompt, which has {length} tokens: choose 1 to "
            f"{length}, or -1 to -{length}.",
            field="positions",
        )
    return place


def _name(token: object, *, reader: Reader, field: str) -> int:
    if not isinstance(token, str):
        return require_token(token, field=field, vocabulary=reader.vocabulary)
    ids = encode_text(reader.tokenizer, token, add_special_tokens=False)
    if len(ids) == 1:
        return int(ids[0])
    raise invalid_value(
        f"{token!r} is {len(ids)} tokens of this model ({ids}). Name one token, by id or text.",
        field=field,
    )
