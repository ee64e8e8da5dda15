"""While a person types: the beginning token, and what is left of their quota."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from pytest_django import DjangoAssertNumQueries, Settings

from inference_workers.contract import tokenizer_key
from portal.gate.access.models import Grant
from portal.lab.jobs.domain.tokens import forget_tokenizers
from tests.factories.jobs import GenerationJobFactory
from tests.factories.usage import reserve_tokens
from tests.lab.api.conftest import TOKENIZER
from tests.lab.playground.conftest import Desk

EDITOR = "/playground/"
COUNT = "/playground/tokens/"


@pytest.fixture(autouse=True)
def _tokenizer(desk: Desk, valkey: redis.Redis) -> Iterator[None]:
    forget_tokenizers()
    valkey.set(tokenizer_key(desk.model.deployment), TOKENIZER.to_str())
    yield
    forget_tokenizers()


def count(desk: Desk, **fields: str) -> dict[str, Any]:
    answer = desk.client.post(COUNT, {"model": desk.model.slug, "prompt": "ab", **fields})
    found: dict[str, Any] = answer.json()
    return found


def test_the_beginning_token_is_named_and_counted_unless_it_is_left_out(desk: Desk) -> None:
    counts = [count(desk), count(desk, add_special_tokens="without")]

    assert [(each["beginning"], each["tokens"]) for each in counts] == [("</s>", 3), ("</s>", 2)]


def test_the_page_names_the_beginning_before_anything_is_typed(desk: Desk) -> None:
    job = GenerationJobFactory.create(
        user=desk.user,
        model=desk.model,
        succeeded=True,
        params={"max_tokens": 9, "add_special_tokens": False},
    )

    pages = [desk.client.get(url) for url in (EDITOR, f"{EDITOR}runs/{job.pk}/")]

    marks = [re.findall('<span class="mark">(.*?)</span>', page.content.decode()) for page in pages]
    assert marks == [
        ["<code>&lt;/s&gt;</code> before the text"],
        ["<code>&lt;/s&gt;</code> left out"],
    ]


def test_what_is_left_is_told_while_typing_and_on_the_page(desk: Desk, settings: Settings) -> None:
    settings.DAILY_TOKEN_QUOTA = 100_000
    reserve_tokens(desk.user, tokens=87_700, model=desk.model)

    assert count(desk)["quota"] == {"tokens": 100_000, "left": 12_300}
    assert "12,300 of 100,000 daily tokens left" in desk.client.get(EDITOR).content.decode()


def test_a_grant_with_its_own_limit_counts_for_its_model(desk: Desk) -> None:
    Grant.objects.update(daily_tokens=500)
    reserve_tokens(desk.user, tokens=100, model=desk.model)

    assert count(desk)["quota"] == {"tokens": 500, "left": 400}
    assert "400 of 500 daily tokens left" in desk.client.get(EDITOR).content.decode()


def test_counting_and_the_page_take_few_queries(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    count(desk)

    with django_assert_num_queries(6):
        count(desk)
    with django_assert_num_queries(9):
        desk.client.get(EDITOR)
