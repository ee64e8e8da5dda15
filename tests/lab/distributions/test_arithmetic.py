"""Entropies, ranks and the likeliest tokens, calculated by hand."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from safetensors.numpy import load

from inference_workers.contract import SamplingParams
from portal.lab.jobs.domain.admission import Run
from portal.lab.jobs.domain.token_text import TokenTexts
from portal.lab.scoring.domain.distributions import (
    DistributionPlan,
    Distributions,
    write_arrays,
    write_summary,
)
from portal.platform.core.errors import DomainError

TEXTS = TokenTexts(None)
HALF, QUARTER, EIGHTH = (float(np.float32(math.log(part))) for part in (0.5, 0.25, 0.125))
FOUND = Distributions(
    (3, 1),
    np.array([[QUARTER, HALF, EIGHTH, EIGHTH], [QUARTER] * 4], dtype=np.float32),
)


def plan(*named: int) -> DistributionPlan:
    run = Run(sampling=SamplingParams(max_tokens=0), prompt_token_ids=(8, 9, 10))
    return DistributionPlan((8, 9, 10), (3, 1), named, run)


def token(number: int, logprob: float, rank: int) -> dict[str, object]:
    return {"id": number, "token": f"token_id:{number}", "logprob": logprob, "rank": rank}


def test_entropy_is_in_nats_and_double_precision() -> None:
    entropy = FOUND.entropy()

    assert entropy.dtype == np.float64
    assert entropy == pytest.approx([1.75 * math.log(2), 2 * math.log(2)], rel=1e-7)


def test_each_position_has_its_entropy_the_named_and_the_likeliest() -> None:
    first, second = write_summary(plan(3, 0), FOUND, top=2, texts=TEXTS)

    assert [first.pop("entropy"), second.pop("entropy")] == list(FOUND.entropy())
    assert first == {
        "position": 3,
        # Of equal ones each has the rank of the first.
        "tokens": [token(3, EIGHTH, 3), token(0, QUARTER, 2)],
        "top": [token(1, HALF, 1), token(0, QUARTER, 2)],
    }
    assert (second["position"], second["tokens"]) == (
        1, [token(3, QUARTER, 1), token(0, QUARTER, 1)]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("top", "logprobs"),
    [
        (0, []),
        (1, [HALF]),
        (3, [HALF, QUARTER, EIGHTH]),
        (4, [HALF, QUARTER, EIGHTH, EIGHTH]),
        (9, [HALF, QUARTER, EIGHTH, EIGHTH]),
    ],
)
def test_the_likeliest_are_as_many_as_asked_for_and_no_more_than_there_are(
    top: int, logprobs: list[float]
) -> None:
    summary = write_summary(plan(), FOUND, top=top, texts=TEXTS)

    assert [each["logprob"] for each in summary[0]["top"]] == logprobs


def likeliest(row: list[float], top: int) -> list[int]:
    found = Distributions((1,), np.array([row], dtype=np.float32))
    return [each["id"] for each in write_summary(plan(), found, top=top, texts=TEXTS)[0]["top"]]


def test_the_likeliest_are_found_wherever_they_are() -> None:
    # 71 times 37 is 1 modulo 101.
    row = [-float(37 * token % 101) for token in range(101)]

    assert likeliest(row, 5) == [0, 71, 41, 11, 82]


def test_equally_likely_tokens_come_in_the_order_of_their_ids() -> None:
    row = [-2.0] * 1000 + [-1.0] * 1000

    assert likeliest(row, 3) == [1000, 1001, 1002]
    assert likeliest(row, 1002) == [*range(1000, 2000), 0, 1]


def test_a_token_beyond_the_vocabulary_is_refused() -> None:
    assert write_summary(plan(3), FOUND, top=0, texts=TEXTS)[0]["tokens"] == [token(3, EIGHTH, 3)]
    with pytest.raises(DomainError) as refusal:
        write_summary(plan(4), FOUND, top=0, texts=TEXTS)

    assert refusal.value.message == "The model has no token 4: it has 4 tokens."
    assert (refusal.value.code, refusal.value.field) == ("invalid_value", "tokens")


@pytest.mark.parametrize("format_name", ["safetensors", "npz"])
def test_both_files_hold_the_same_arrays(format_name: str) -> None:
    written = write_arrays(plan(), FOUND, format_name=format_name, metadata={"model": "smollm2"})

    arrays = load(written) if format_name == "safetensors" else dict(np.load(io.BytesIO(written)))
    assert {name: (array.dtype.str, array.tolist()) for name, array in arrays.items()} == {
        "logprobs": ("<f4", FOUND.logprobs.tolist()),
        "positions": ("<i8", [3, 1]),
        "entropy": ("<f8", FOUND.entropy().tolist()),
        "token_ids": ("<i8", [8, 9, 10]),
    }
    assert (b'"__metadata__":{"model":"smollm2"}' in written) == (format_name == "safetensors")
