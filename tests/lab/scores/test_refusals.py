"""What is no request for scores is refused by name, and nothing runs."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from inference_workers.contract import tokenizer_key
from portal.gate.access.enums import KeyScope
from portal.gate.catalog.enums import ModelStatus
from portal.lab.completions.domain import bounds
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import Call, GenerationJob
from portal.lab.quota.models import Reservation
from portal.lab.scoring.domain import scores
from tests.lab.api.client import aclient_of
from tests.lab.api.conftest import Laboratory, ids_of, make_tokenizer
from tests.lab.playground.sse import in_thread
from tests.lab.scores.asking import ask, publish, publish_tokenizer, refusal

PAIR: dict[str, Any] = {"context": "a", "continuations": ["b"]}
FAULTS: list[tuple[dict[str, Any], str]] = [
    ({}, "continuations"),
    ({"context": "a"}, "continuations"),
    ({"context": "a", "continuations": []}, "continuations"),
    ({"context": "a", "continuations": "b"}, "continuations"),
    ({"context": "a", "continuations": [""]}, "continuations[0]"),
    ({"context": "a", "continuations": ["b", []]}, "continuations[1]"),
    ({"context": "a", "continuations": ["b", 5]}, "continuations[1]"),
    ({"context": "a", "continuations": [[1], [1, True]]}, "continuations[1][1]"),
    ({"context": 5, "continuations": ["b"]}, "context"),
    ({"context": "a", "continuations": ["b"] * 513}, "continuations"),
    ({"items": []}, "items"),
    ({"items": [PAIR], "context": "a"}, "items"),
    ({"items": [PAIR], "continuations": ["b"]}, "items"),
    ({"items": [PAIR, {"context": "a"}]}, "items[1].continuations"),
    ({"items": [PAIR, {"context": "a", "continuations": []}]}, "items[1].continuations"),
    ({"items": [{**PAIR, "weight": 1}]}, "items[0].weight"),
    ({**PAIR, "prefix_token_id": -1}, "prefix_token_id"),
    ({**PAIR, "temperature": 1}, "temperature"),
]


async def test_wrong_values_are_refused_by_name(laboratory: Laboratory) -> None:
    refusals = [await refusal(laboratory, **body) for body, _ in FAULTS]

    assert refusals == [[400, "invalid_value", param] for _, param in FAULTS]
    assert await in_thread(GenerationJob.objects.count) == 0


async def test_texts_need_not_be_read_where_they_are_too_long_together(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context counts for each continuation: 2 * 5 + 3 + 1 = 14 characters."""
    body: dict[str, Any] = {"context": "aaaaa", "continuations": ["bbb", "b"]}
    monkeypatch.setattr(scores, "CHARACTERS_MOST", 14)
    fits = (await ask(laboratory, **body)).status_code
    monkeypatch.setattr(scores, "CHARACTERS_MOST", 13)

    assert fits == 200
    assert await refusal(laboratory, **body) == [400, "invalid_value", "continuations"]
    assert await refusal(laboratory, items=[body]) == [400, "invalid_value", "continuations"]


async def test_so_many_tokens_are_looked_up_and_no_more(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`</s>ab` and `</s>abc` are seven."""
    body: dict[str, Any] = {"context": "a", "continuations": ["b", "bc"]}
    monkeypatch.setattr(bounds, "PROMPT_LOGPROBS_MOST", 7)
    fits = (await ask(laboratory, **body)).status_code
    monkeypatch.setattr(bounds, "PROMPT_LOGPROBS_MOST", 6)

    assert fits == 200
    assert await refusal(laboratory, **body) == [400, "invalid_value", "continuations"]
    assert await refusal(laboratory, items=[body]) == [400, "invalid_value", "items"]


async def test_a_pair_fits_if_one_token_more_would(laboratory: Laboratory) -> None:
    """The model's context holds 2,048."""
    (a,) = ids_of("a")

    fits = await ask(laboratory, context=[a] * 2046, continuations=["b"])

    assert fits.status_code == 200
    for body, param in (
        ({"context": [a] * 2046, "continuations": ["b", "bc"]}, "continuations"),
        ({"items": [PAIR, {"context": [a] * 2047, "continuations": ["b"]}]}, "items"),
    ):
        assert await refusal(laboratory, **body) == [400, "context_length_exceeded", param]


async def test_a_model_that_does_not_say_how_a_document_begins_needs_a_context(
    laboratory: Laboratory,
) -> None:
    tokenizer = make_tokenizer()
    tokenizer.post_processor = None
    text = tokenizer.to_str().replace("</s>", "<start>")
    publish_tokenizer(laboratory, type(tokenizer).from_str(text))
    publish(laboratory, None)

    assert await refusal(laboratory, continuations=["b"]) == [400, "invalid_value", "context"]
    assert await refusal(laboratory, items=[PAIR, {"context": "", "continuations": ["b"]}]) == [
        400, "invalid_value", "items[1].context",
    ]  # fmt: skip
    pinned = await ask(laboratory, continuations=["b"], prefix_token_id=5)
    assert pinned.json()["data"][0]["context"]["token_ids"] == [5]


async def test_until_a_worker_has_published_its_tokens_one_waits(laboratory: Laboratory) -> None:
    laboratory.valkey.delete(tokenizer_key(laboratory.model.deployment))
    forget_tokenizers()

    assert await refusal(laboratory, **PAIR) == [503, "model_loading", None]


async def test_keys_for_something_else_and_models_that_are_not_served(
    laboratory: Laboratory,
) -> None:
    own = laboratory.client
    laboratory.client = await aclient_of(laboratory.user, scopes=[KeyScope.COMPLETIONS])
    other_scope = await refusal(laboratory, **PAIR)
    laboratory.client = own
    laboratory.model.status = ModelStatus.NOT_LOADED
    await in_thread(laboratory.model.save)

    assert other_scope == [403, "key_scope", None]
    assert await refusal(laboratory, **PAIR) == [503, "model_offline", None]


async def test_the_quota_is_charged_for_every_pair(
    laboratory: Laboratory, settings: Settings
) -> None:
    """`</s>ab` and `</s>abc` are seven tokens."""
    body: dict[str, Any] = {"context": "a", "continuations": ["b", "bc"]}
    settings.DAILY_TOKEN_QUOTA = 6
    refused = await refusal(laboratory, **body)
    settings.DAILY_TOKEN_QUOTA = 7
    reply = (await ask(laboratory, **body)).json()
    for job in reply["jobs"]:
        await laboratory.client.get(f"/v1/jobs/{job}")

    kept = await in_thread(list, Reservation.objects.order_by("reserved_tokens"))
    assert refused == [429, "quota_exceeded", "continuations"]
    assert [(each.reserved_tokens, each.used_tokens) for each in kept] == [(3, 3), (4, 4)]
    assert (await laboratory.client.get("/v1/usage")).json()["used"] == 7


async def test_an_idempotency_key_is_for_one_request(laboratory: Laboratory) -> None:
    header = {"Idempotency-Key": "mine"}
    body = {"model": laboratory.model.slug, **PAIR}
    async with laboratory.working():
        first = await laboratory.client.ask("/v1/scores", json=body, **header)
        again = await laboratory.client.ask("/v1/scores", json=body, **header)
        other = await laboratory.client.ask("/v1/scores", json={**body, "context": "c"}, **header)

    error = other.json()["error"]
    assert again.json() == first.json()
    assert (other.status_code, error["code"], error["param"]) == (
        400, "idempotency_key_reused", "Idempotency-Key",
    )  # fmt: skip
    assert await in_thread(Call.objects.count) == 1
