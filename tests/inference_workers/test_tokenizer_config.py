"""Special tokens and the vocabulary's size are read from the same places as in transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from tokenizers import Tokenizer

from inference_workers.config import WorkerSettings
from inference_workers.contract import (
    ChatTemplate,
    TokenizerConfig,
    chat_template_key,
    tokenizer_config_key,
    tokenizer_key,
)
from inference_workers.tokenizer.config import read_tokenizer_config
from inference_workers.tokenizer.files import FoundTokenizer
from tests.inference_workers.conftest import StartWorker, wait_until
from tests.inference_workers.test_text import build_byte_level_tokenizer


@pytest.fixture
def tokenizer() -> Tokenizer:
    built = build_byte_level_tokenizer()
    built.add_special_tokens(["<begin>", "<end>"])
    return built


@pytest.mark.parametrize(
    ("files", "bos", "eos", "vocabulary"),
    [
        ({}, None, None, None),
        ({"tokenizer_config.json": {"bos_token": "<begin>"}}, "<begin>", None, None),
        ({"tokenizer_config.json": {"bos_token": {"content": "<begin>"}, "eos_token": "<end>"}},
         "<begin>", "<end>", None),
        ({"tokenizer_config.json": {"bos_token": None},
          "special_tokens_map.json": {"bos_token": "<end>"}}, "<end>", None, None),
        ({"tokenizer_config.json": {"bos_token": "<unheard of>"}}, None, None, None),
        ({"config.json": {"vocab_size": 50272}}, None, None, 50272),
        ({"config.json": []}, None, None, None),
    ],
)  # fmt: skip
def test_the_files_say_what_begins_a_text(
    tokenizer: Tokenizer,
    tmp_path: Path,
    files: dict[str, Any],
    bos: str | None,
    eos: str | None,
    vocabulary: int | None,
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))

    assert read_tokenizer_config(FoundTokenizer(tokenizer, tmp_path)) == TokenizerConfig(
        bos_token_id=tokenizer.token_to_id(bos) if bos else None,
        eos_token_id=tokenizer.token_to_id(eos) if eos else None,
        vocabulary=vocabulary,
    )


async def test_a_new_worker_replaces_what_an_older_one_published(
    tokenizer: Tokenizer, start_worker: StartWorker, redis: Redis, worker_settings: WorkerSettings
) -> None:
    """From the tokenizer's folder, wherever it is."""
    folder = worker_settings.engine_dir / "scripted"
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"bos_token": "<begin>"}')
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    await redis.set(tokenizer_key("scripted"), "an older one")
    await start_worker()

    await wait_until(lambda: redis.exists(tokenizer_config_key("scripted")))

    config = TokenizerConfig.model_validate_json(await redis.get(tokenizer_config_key("scripted")))
    template = ChatTemplate.model_validate_json(await redis.get(chat_template_key("scripted")))
    assert config.bos_token_id == tokenizer.token_to_id("<begin>")
    assert template == ChatTemplate(template="{{ messages }}", bos_token="<begin>")
    assert await redis.get(tokenizer_key("scripted")) == tokenizer.to_str()
