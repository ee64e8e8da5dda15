"""A researcher with two models, whose tokenizers differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from django.test import Client
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from inference_workers.contract import (
    SamplingParams,
    TokenizerConfig,
    tokenizer_config_key,
    tokenizer_key,
)
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat, make_researcher
from tests.lab.api.conftest import TOKENIZER, ids_of


def make_pairs() -> Tokenizer:
    """Bytes, of which `ab` is one token; nothing begins a text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: place for place, letter in enumerate([*alphabet, "ab", "<end>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("a", "b")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<end>"])
    return tokenizer


PAIRS = make_pairs()
(END,) = PAIRS.encode("<end>").ids


@dataclass
class Bench:
    """A signed-in researcher, a small model with bytes as tokens, and a larger one with pairs."""

    user: User
    small: HostedModel
    large: HostedModel
    client: Client
    valkey: redis.Redis

    def run(self, text: str = "", model: HostedModel | None = None, **values: Any) -> GenerationJob:
        """An ended run of the small model whose tokens spell `text`."""
        params = SamplingParams(max_tokens=16, logprobs=0).model_dump(mode="json")
        given = {"succeeded": True, "token_ids": ids_of(text), "params": params, **values}
        model = model or self.small
        return GenerationJobFactory.create(user=self.user, model=model, text=text, **given)


def address(*runs: GenerationJob) -> str:
    return "/playground/compare/?runs=" + ",".join(str(run.pk) for run in runs)


@pytest.fixture(autouse=True)
def _no_tokenizers_of_other_tests() -> Iterator[None]:
    forget_tokenizers()
    yield
    forget_tokenizers()


def publish(valkey: redis.Redis, model: HostedModel, tokenizer: Tokenizer, *, start: int) -> None:
    """What the model's workers publish, and a heartbeat of one of them."""
    config = TokenizerConfig(bos_token_id=start, vocabulary=tokenizer.get_vocab_size())
    valkey.set(tokenizer_key(model.deployment), tokenizer.to_str())
    valkey.set(tokenizer_config_key(model.deployment), config.model_dump_json())
    beat(valkey, worker=f"of-{model.deployment}", deployment=model.deployment)


@pytest.fixture
def bench(transactional_db: None, valkey: redis.Redis, client: Client) -> Bench:
    user, small = make_researcher(HostedModelFactory.create(name="Small", deployment="small"))
    large = HostedModelFactory.create(
        name="Large", release=small.release, deployment="large", parameters=1_300_000_000
    )
    GrantFactory.create(user=user, model=large)
    publish(valkey, small, TOKENIZER, start=0)
    publish(valkey, large, PAIRS, start=END)
    client.force_login(user)
    return Bench(user, small, large, client, valkey)
