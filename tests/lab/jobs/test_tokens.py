"""Counting tokens with the data that workers publish, and without it."""

from __future__ import annotations

import redis
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from inference_workers.contract import tokenizer_key
from portal.lab.jobs.domain import tokens
from portal.lab.jobs.domain.tokens import TokenCount, count_tokens, find_beginning
from tests.plugin import running_valkey


def publish(
    client: redis.Redis, deployment: str, *, bos: bool = False, form: str = "</s> $A"
) -> None:
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if bos:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=form, special_tokens=[("</s>", 1)]
        )
    client.set(tokenizer_key(deployment), tokenizer.to_str())


def test_the_published_tokenizer_counts_exactly(valkey: redis.Redis) -> None:
    publish(valkey, "words")

    assert count_tokens("one two three", deployment="words") == TokenCount(3, is_exact=True)


def test_the_beginning_token_counts(valkey: redis.Redis) -> None:
    publish(valkey, "opt", bos=True)

    assert count_tokens("one two", deployment="opt") == TokenCount(3, is_exact=True)


def test_the_beginning_is_named_and_an_end_is_none(valkey: redis.Redis) -> None:
    publish(valkey, "begins", bos=True)
    publish(valkey, "ends", bos=True, form="$A </s>")
    publish(valkey, "neither")

    named = {name: find_beginning(name) for name in ("begins", "ends", "neither", "unknown")}

    assert named == {"begins": "</s>", "ends": "", "neither": "", "unknown": ""}


def test_without_one_bytes_are_the_bound(valkey: redis.Redis) -> None:
    assert count_tokens("naïve", deployment="unknown") == TokenCount(7, is_exact=False)


def test_it_is_still_known_when_the_broker_is_away(valkey: redis.Redis) -> None:
    publish(valkey, "words")
    count_tokens("one", deployment="words")
    running_valkey().kill()

    assert count_tokens("one two", deployment="words") == TokenCount(2, is_exact=True)
    running_valkey().start()


def test_a_new_one_is_taken_up(valkey: redis.Redis) -> None:
    publish(valkey, "words")
    count_tokens("one", deployment="words")
    publish(valkey, "words", bos=True)

    assert count_tokens("one", deployment="words").tokens == 1
    tokens.forget_tokenizers()
    assert count_tokens("one", deployment="words").tokens == 2
