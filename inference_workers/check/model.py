"""What a model's `config.json` says that decides whether a machine can run it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capacity.shapes import BYTES_PER_ELEMENT, SHAPES, Architecture, ModelShape

CLASSES: Mapping[Architecture, str] = {
    Architecture.OPT: "OPTForCausalLM",
    Architecture.GPT_NEOX: "GPTNeoXForCausalLM",
    Architecture.LLAMA: "LlamaForCausalLM",
}
INNER_SIZES = ("intermediate_size", "ffn_dim")
LONGEST_CONTEXTS = ("max_position_embeddings", "n_positions", "max_sequence_length")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """A model's dimensions. What the configuration does not say is 0 or empty."""

    architecture: str
    num_hidden_layers: int
    num_attention_heads: int
    kv_heads: int
    head_size: int
    max_position_embeddings: int
    dtype: str
    """Of the checkpoint."""
    parameters: int = 0
    """Counted from the shape; 0 for an architecture that `capacity` cannot count."""
    is_quantized: bool = False

    def weight_bytes(self, dtype: str) -> int:
        """Bytes of all weights; 0 when they cannot be counted."""
        return 0 if self.is_quantized else self.parameters * BYTES_PER_ELEMENT[dtype]

    def kv_bytes_per_token(self, dtype: str) -> int:
        """Bytes of keys and values that one token leaves in all layers together."""
        elements = 2 * self.num_hidden_layers * self.kv_heads * self.head_size
        return elements * BYTES_PER_ELEMENT[dtype]


def find_model(folder: Path, *names: str) -> ModelFacts | None:
    """From the folder's `config.json`, or else of a model that `capacity` knows by name."""
    config = _read(folder / "config.json")
    if config is not None:
        return read_config(config)
    for name in names:
        if name in SHAPES:
            return _describe(SHAPES[name])
    return None


def read_config(config: Mapping[str, Any]) -> ModelFacts | None:
    """The model's facts, or None when it does not say how many layers and heads it has."""
    heads = _number(config, "num_attention_heads")
    layers = _number(config, "num_hidden_layers")
    width = _number(config, "hidden_size")
    if not (heads and layers and width):
        return None
    names = config.get("architectures") or [""]
    shape = _read_shape(config)
    return ModelFacts(
        architecture=str(names[0]),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        kv_heads=_number(config, "num_key_value_heads") or heads,
        head_size=_number(config, "head_dim") or width // heads,
        max_position_embeddings=_first(config, LONGEST_CONTEXTS),
        dtype=str(config.get("dtype") or config.get("torch_dtype") or "float16"),
        parameters=shape.parameters if shape is not None else 0,
        is_quantized="quantization_config" in config,
    )


def _read_shape(config: Mapping[str, Any]) -> ModelShape | None:
    """The shape that `capacity` can count, or None for another architecture."""
    try:
        architecture = Architecture(str(config.get("model_type")))
    except ValueError:
        return None
    width = _number(config, "hidden_size")
    return ModelShape(
        name=str(config.get("model_type")),
        architecture=architecture,
        num_hidden_layers=_number(config, "num_hidden_layers"),
        hidden_size=width,
        num_attention_heads=_number(config, "num_attention_heads"),
        intermediate_size=_first(config, INNER_SIZES),
        vocab_size=_number(config, "vocab_size"),
        max_position_embeddings=_first(config, LONGEST_CONTEXTS),
        num_key_value_heads=_number(config, "num_key_value_heads"),
        word_embed_proj_dim=_number(config, "word_embed_proj_dim"),
        tie_word_embeddings=bool(
            config.get("tie_word_embeddings", architecture is Architecture.OPT)
        ),
    )


def _describe(shape: ModelShape) -> ModelFacts:
    return ModelFacts(
        architecture=CLASSES[shape.architecture],
        num_hidden_layers=shape.num_hidden_layers,
        num_attention_heads=shape.num_attention_heads,
        kv_heads=shape.kv_heads,
        head_size=shape.head_size,
        max_position_embeddings=shape.max_position_embeddings,
        dtype="float16",
        parameters=shape.parameters,
    )


def _number(config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    return value if isinstance(value, int) else 0


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next((number for name in names if (number := _number(config, name))), 0)


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
