"""Shapes from `config.json`, as transformers writes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from capacity.config_json import read_shape
from capacity.errors import PlanError
from capacity.shapes import SHAPES

OPT = {
    "model_type": "opt",
    "num_hidden_layers": 24,
    "hidden_size": 1024,
    "num_attention_heads": 16,
    "ffn_dim": 4096,
    "vocab_size": 50272,
    "max_position_embeddings": 2048,
    "word_embed_proj_dim": 512,
}
NEOX = {
    "model_type": "gpt_neox",
    "num_hidden_layers": 44,
    "hidden_size": 6144,
    "num_attention_heads": 64,
    "intermediate_size": 24576,
    "vocab_size": 50432,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
}
LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 30,
    "hidden_size": 576,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "head_dim": 64,
    "intermediate_size": 1536,
    "vocab_size": 49152,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
}
BLOOM = {
    "model_type": "bloom",
    "n_layer": 70,
    "n_embed": 14336,
    "num_attention_heads": 112,
    "vocab_size": 250880,
    "seq_length": 2048,
}


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (OPT, "opt-350m"),
        (NEOX, "gpt-neox-20b"),
        (LLAMA, "smollm2-135m"),
        (BLOOM, "bloom-176b"),
    ],
)
def test_the_shape_is_the_one_known_by_name(config: dict[str, Any], name: str) -> None:
    assert read_shape(config, name=name) == SHAPES[name]


def test_projections_as_wide_as_the_layers_make_no_difference() -> None:
    config = {**OPT, "hidden_size": 768, "word_embed_proj_dim": 768, "num_attention_heads": 12}
    config |= {"num_hidden_layers": 12, "ffn_dim": 3072}
    shape = read_shape(config, name="opt-125m")
    assert replace(shape, word_embed_proj_dim=0) == SHAPES["opt-125m"]
    assert shape.parameters == SHAPES["opt-125m"].parameters


def test_llama_is_untied_unless_the_file_says_so() -> None:
    config = {key: value for key, value in LLAMA.items() if key != "tie_word_embeddings"}
    assert read_shape(config, name="x").tie_word_embeddings is False


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"model_type": "mamba"},
            "model_type 'mamba' is not supported (known: opt, gpt_neox, llama, bloom)",
        ),
        ({}, "model_type None is not supported (known: opt, gpt_neox, llama, bloom)"),
        ({"model_type": "opt"}, "hidden_size is missing"),
        ({**OPT, "ffn_dim": None}, "ffn_dim is missing"),
        ({**OPT, "hidden_size": "big"}, "hidden_size must be a whole number above 0, not 'big'"),
        (
            {**OPT, "num_hidden_layers": 0},
            "num_hidden_layers must be a whole number above 0, not 0",
        ),
        ({**OPT, "hidden_size": 1000}, "hidden_size 1000 is not divisible by 16 heads"),
        ({**OPT, "tie_word_embeddings": False}, "opt with untied embeddings is not supported"),
        ({**LLAMA, "head_dim": 128}, "a head_dim other than hidden_size / heads is not supported"),
    ],
)
def test_what_cannot_be_counted_names_the_key(config: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_shape(config, name="x")
    assert (caught.value.field, caught.value.message) == ("config", message)
