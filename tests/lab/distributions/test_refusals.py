"""What is no request for distributions is refused by name, and nothing runs."""

from __future__ import annotations

import asyncio
from typing import Any

from pytest_django import Settings

from inference_workers.contract import (
    Failed,
    FailureCode,
    TokenizerConfig,
    row_key,
    tokenizer_config_key,
    tokenizer_key,
)
from portal.gate.access.domain.rights.grants import suspend_grant
from portal.gate.access.enums import KeyScope
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import ModelStatus
from portal.gate.keys.models import ApiKey
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import FakeWorker
from tests.inference_workers.conftest import wait_until
from tests.lab.api.client import aclient_of
from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.distributions.by_hand import ask, refusal
from tests.lab.playground.sse import in_thread

FAULTS: list[tuple[dict[str, Any], str]] = [
    ({}, "prompt"),
    # An empty text is its beginning token, of which there is one.
    ({"prompt": "", "positions": [-2]}, "positions"),
    ({"prompt": "", "add_special_tokens": False}, "prompt"),
    ({"prompt": []}, "prompt"),
    ({"prompt": None}, "prompt"),
    ({"prompt": {"text": "a"}}, "prompt"),
    ({"prompt": "ab", "positions": []}, "positions"),
    ({"prompt": "ab", "positions": [0]}, "positions"),
    ({"prompt": "ab", "positions": [1, 4]}, "positions"),
    ({"prompt": "ab", "positions": [-4]}, "positions"),
    ({"prompt": "ab", "positions": ["1"]}, "positions[0]"),
    ({"prompt": "ab", "tokens": [""]}, "tokens[0]"),
    ({"prompt": "ab", "tokens": [5, -1]}, "tokens[1]"),
    ({"prompt": "ab", "tokens": [257]}, "tokens[0]"),
    ({"prompt": "ab", "top": -1}, "top"),
    ({"prompt": "ab", "top": 1001}, "top"),
    ({"prompt": "ab", "format": "csv"}, "format"),
    ({"prompt": "ab", "temperature": 1}, "temperature"),
]


def publish(laboratory: Laboratory, config: TokenizerConfig) -> None:
    laboratory.valkey.set(
        tokenizer_config_key(laboratory.model.deployment), config.model_dump_json()
    )
    forget_tokenizers()


async def test_wrong_values_are_refused_by_name(laboratory: Laboratory) -> None:
    refusals = [await refusal(laboratory, **body) for body, _ in FAULTS]

    assert refusals == [[400, "invalid_value", param] for _, param in FAULTS]
    assert await in_thread(GenerationJob.objects.count) == 0


async def test_the_last_places_and_tokens_that_there_are_are_taken(
    laboratory: Laboratory,
) -> None:
    response = await ask(laboratory, prompt="ab", positions=[1, 3, -3], tokens=[0, 256], top=1000)

    assert response.status_code == 200


async def test_no_more_values_than_one_request_may_have(laboratory: Laboratory) -> None:
    publish(laboratory, TokenizerConfig(vocabulary=1_000_000))

    four = await ask(laboratory, prompt="ab", positions=[1, 2, 3, 1])
    five = await ask(laboratory, prompt="ab", positions=[1, 2, 3, 1, 1])

    error = five.json()["error"]
    assert (four.status_code, five.status_code) == (200, 400)
    assert (error["code"], error["param"]) == ("invalid_value", "positions")
    assert error["message"] == (
        "5 positions over a vocabulary of 1,000,000 are 5,000,000 values; the limit for a "
        "request is 4,000,000, or 4 positions."
    )


async def test_a_prompt_fits_if_one_token_more_would(laboratory: Laboratory) -> None:
    """The model's context holds 2,048."""
    (a,) = ids_of("a")

    fits = await ask(laboratory, prompt=[a] * 2047)

    assert fits.status_code == 200
    assert await refusal(laboratory, prompt=[a] * 2048) == [
        400, "context_length_exceeded", "prompt",
    ]  # fmt: skip


async def test_a_token_beyond_the_row_is_found_where_only_the_engine_knows_how_many_there_are(
    laboratory: Laboratory,
) -> None:
    publish(laboratory, TokenizerConfig())

    assert (await ask(laboratory, prompt="ab", tokens=[256])).status_code == 200
    assert await refusal(laboratory, prompt="ab", tokens=[257]) == [400, "invalid_value", "tokens"]


async def test_until_a_worker_has_published_its_tokens_one_waits(laboratory: Laboratory) -> None:
    laboratory.valkey.delete(tokenizer_key(laboratory.model.deployment))
    forget_tokenizers()

    response = await ask(laboratory, prompt="ab")

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["error"]["code"] == "model_loading"


async def test_keys_for_something_else_open_no_distributions(laboratory: Laboratory) -> None:
    def restrict() -> None:
        ApiKey.objects.get(scopes=[KeyScope.LOGPROBS]).allowed_models.add(
            HostedModelFactory.create()
        )

    laboratory.client = await aclient_of(laboratory.user, scopes=[KeyScope.COMPLETIONS])
    other_scope = await refusal(laboratory, prompt="ab")
    laboratory.client = await aclient_of(laboratory.user, scopes=[KeyScope.LOGPROBS])
    right_scope = (await ask(laboratory, prompt="ab")).status_code
    await in_thread(restrict)

    assert other_scope == [403, "key_scope", None]
    assert right_scope == 200
    assert await refusal(laboratory, prompt="ab") == [403, "key_model", None]


async def test_a_model_that_is_not_here_or_not_served(laboratory: Laboratory) -> None:
    missing = await laboratory.client.ask("/v1/distributions", json={"model": "gpt", "prompt": "a"})
    laboratory.model.status = ModelStatus.NOT_LOADED
    await in_thread(laboratory.model.save)

    error = missing.json()["error"]
    assert (missing.status_code, error["code"], error["param"]) == (
        404, "model_not_found", "model",
    )  # fmt: skip
    assert await refusal(laboratory, prompt="ab") == [503, "model_offline", None]


async def test_the_quota_has_to_hold_prompt_and_rows(
    laboratory: Laboratory, settings: Settings
) -> None:
    """Three tokens, and two rows, of which one is named twice."""
    settings.DAILY_TOKEN_QUOTA = 4
    refused = await refusal(laboratory, prompt="ab", positions=[1, -1, -3])
    settings.DAILY_TOKEN_QUOTA = 5
    taken = await ask(laboratory, prompt="ab", positions=[1, -1, -3])

    assert refused == [429, "quota_exceeded", "prompt"]
    assert taken.status_code == 200


async def test_whose_access_is_suspended_meanwhile_is_told_so(laboratory: Laboratory) -> None:
    def suspend() -> None:
        by = UserFactory.create(is_reviewer=True)
        suspend_grant(Grant.objects.get(user=laboratory.user), by=by, reason="A question.")

    task = asyncio.create_task(_ask_without_worker(laboratory))
    await wait_until(lambda: in_thread(GenerationJob.objects.exists))
    await in_thread(suspend)
    response = await task

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (403, "suspended")
    assert error["next_step"] == "http://testserver/access/"


async def test_a_run_that_fails_fails_the_request(laboratory: Laboratory) -> None:
    def fail() -> None:
        worker = FakeWorker(laboratory.valkey, GenerationJob.objects.get().pk)
        worker.start()
        record_outcome(worker.outcome(worker.end(Failed(code=FailureCode.ENGINE_ERROR))))

    task = asyncio.create_task(_ask_without_worker(laboratory))
    await wait_until(lambda: in_thread(GenerationJob.objects.exists))
    await in_thread(fail)
    response = await task

    assert (response.status_code, response.json()["error"]["code"]) == (500, "engine_error")


async def test_rows_that_have_expired_have_to_be_asked_for_again(laboratory: Laboratory) -> None:
    header = {"Idempotency-Key": "mine"}
    body = {"model": laboratory.model.slug, "prompt": "ab", "positions": [1, 2]}
    async with laboratory.working():
        first = await laboratory.client.ask("/v1/distributions", json=body, **header)
    job = await in_thread(GenerationJob.objects.get)
    laboratory.valkey.delete(row_key(job.pk, 2))
    again = await laboratory.client.ask("/v1/distributions", json=body, **header)

    assert first.status_code == 200
    assert (again.status_code, again.json()["error"]["code"]) == (503, "worker_lost")


async def _ask_without_worker(laboratory: Laboratory) -> Any:
    body = {"model": laboratory.model.slug, "prompt": "ab"}
    return await laboratory.client.ask("/v1/distributions", json=body)
