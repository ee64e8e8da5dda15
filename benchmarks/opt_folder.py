"""A folder that vLLM loads as an OPT: `config.json` and a tokenizer, without weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capacity.shapes import ModelShape

PAD, END = 1, 2
"""As in OPT's vocabulary, whose `</s>` begins and ends every text."""


def write_opt_folder(folder: Path, shape: ModelShape, *, dtype: str) -> None:
    """Write the files that an engine reads besides weights; the folder may exist."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "config.json": describe_config(shape, dtype=dtype),
        "tokenizer.json": describe_tokenizer(shape.vocab_size),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "pad_token": name_token(PAD),
            "eos_token": name_token(END),
        },
    }
    for name, document in files.items():
        (folder / name).write_text(json.dumps(document, indent=2), encoding="utf-8")


def describe_config(shape: ModelShape, *, dtype: str) -> dict[str, Any]:
    """The shape with the names of `transformers`' OPTConfig."""
    return {
        "architectures": ["OPTForCausalLM"],
        "model_type": "opt",
        "activation_function": "relu",
        "do_layer_norm_before": True,
        "num_hidden_layers": shape.num_hidden_layers,
        "hidden_size": shape.hidden_size,
        "num_attention_heads": shape.num_attention_heads,
        "ffn_dim": shape.intermediate_size,
        "vocab_size": shape.vocab_size,
        "word_embed_proj_dim": shape.word_embed_proj_dim or shape.hidden_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "dropout": 0.0,
        "bos_token_id": END,
        "eos_token_id": END,
        "pad_token_id": PAD,
        "dtype": dtype,
    }


def describe_tokenizer(vocabulary: int) -> dict[str, Any]:
    """A word for every id, so that even a random model's tokens all have different texts."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {name_token(index): index for index in range(vocabulary)},
            "unk_token": name_token(PAD),
        },
    }


def name_token(index: int) -> str:
    return f"t{index}"
