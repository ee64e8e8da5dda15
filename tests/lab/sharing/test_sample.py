"""A run becomes the file of a release's sample run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.core.management import CommandError, call_command

from inference_workers.contract import SamplingParams, TokenLogprobs, tokenizer_key
from portal.gate.catalog.sample_run import parse_sample_receipt
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from tests.factories.jobs import GenerationJobFactory
from tests.lab.api.conftest import TOKENIZER, ids_of
from tests.lab.sharing.test_citation import PROVENANCE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_tokenizers(valkey: redis.Redis) -> Iterator[None]:
    forget_tokenizers()
    yield
    forget_tokenizers()


def make_run(**changes: object) -> GenerationJob:
    b, c, d = ids_of("bcd")
    values: dict[str, object] = {
        "prompt": "a",
        "text": "bc",
        "token_ids": [b, c],
        "logprobs": [
            TokenLogprobs(b, -0.123456, 1, ((b, -0.123456), (d, -2.0))),
            TokenLogprobs(c, -3.0, 40),
        ],
        "params": SamplingParams(max_tokens=2, top_p=0.9, stop=("x",), logprobs=2).model_dump(
            mode="json"
        ),
        "provenance": PROVENANCE,
        "created_at": datetime(2026, 11, 30, tzinfo=UTC),
        **changes,
    }
    return GenerationJobFactory.create(succeeded=True, **values)


def test_the_file_has_the_run_and_the_texts_of_its_tokens(
    valkey: redis.Redis, tmp_path: Path
) -> None:
    run, path = make_run(), tmp_path / "sample.json"
    valkey.set(tokenizer_key(run.deployment), TOKENIZER.to_str())

    call_command("write_sample_run", str(run.pk), path, verbosity=0)

    b, c, d = ids_of("bcd")
    assert parse_sample_receipt(path.read_text()).model_dump(mode="json") == {
        "id": str(run.pk),
        "model": run.model.slug,
        "created_at": "2026-11-30T00:00:00Z",
        "sampling": {"max_tokens": 2, "temperature": 1.0, "top_p": 0.9, "stop": '["x"]'},
        "prompt": "a",
        "tokens": [
            {
                "id": b,
                "text": "b",
                "logprob": -0.1235,
                "rank": 1,
                "top": [
                    {"id": b, "text": "b", "logprob": -0.1235},
                    {"id": d, "text": "d", "logprob": -2.0},
                ],
            },
            {"id": c, "text": "c", "logprob": -3.0, "rank": 40, "top": []},
        ],
        "provenance": {
            name: PROVENANCE[name] for name in ("engine", "engine_version", "weights", "dtype")
        },
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"logprobs": None}, "The run needs log-probabilities"),
        ({"provenance": None}, "The run needs log-probabilities"),
        ({}, "The tokenizer of smollm2-135m is unknown: start its worker."),
    ],
)
def test_what_is_missing_is_named_and_no_file_is_written(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "sample.json"

    with pytest.raises(CommandError, match=message):
        call_command("write_sample_run", str(make_run(**changes).pk), path)
    with pytest.raises(CommandError, match="There is no run"):
        call_command("write_sample_run", str(uuid4()), path)
    assert not path.exists()
