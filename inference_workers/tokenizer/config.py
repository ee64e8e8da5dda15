"""Special tokens and the vocabulary's size, from the files beside the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inference_workers.contract import TokenizerConfig
from inference_workers.tokenizer.files import FoundTokenizer

SPECIAL_TOKENS_FILES = ("tokenizer_config.json", "special_tokens_map.json")
"""Where transformers stores the names of special tokens, in its order of precedence."""


def read_tokenizer_config(found: FoundTokenizer) -> TokenizerConfig:
    """The configuration from these files; a token unknown to the tokenizer is None."""
    named = [read_json(found.folder / name) for name in SPECIAL_TOKENS_FILES]

    def find(key: str) -> int | None:
        text = next((text for each in named if (text := read_token(each.get(key)))), "")
        token: int | None = found.tokenizer.token_to_id(text) if text else None
        return token

    vocabulary = read_json(found.folder / "config.json").get("vocab_size")
    return TokenizerConfig(
        bos_token_id=find("bos_token"),
        eos_token_id=find("eos_token"),
        vocabulary=vocabulary if isinstance(vocabulary, int) else None,
    )


def read_json(file: Path) -> dict[str, Any]:
    """The file's JSON object; empty if the file is missing or cannot be read."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_token(token: object) -> str:
    """A token's text; older files wrap it in an object."""
    if isinstance(token, dict):
        return str(token.get("content", ""))
    return str(token or "")
