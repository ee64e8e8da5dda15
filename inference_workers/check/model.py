"""The parts of a model's `config.json` that decide whether a machine can run it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from capacity.config_json import DEFAULT_DTYPE, read_dtype, read_shape
from capacity.errors import PlanError
from capacity.memory import MemoryNeed, count_need, spread_need
from capacity.parallel import Layout
from capacity.shapes import SHAPES, Architecture, ModelShape

CLASSES: Mapping[Architecture, str] = {
    Architecture.OPT: "OPTForCausalLM",
    Architecture.GPT_NEOX: "GPTNeoXForCausalLM",
    Architecture.LLAMA: "LlamaForCausalLM",
    Architecture.BLOOM: "BloomForCausalLM",
}
LONGEST_CONTEXTS = ("max_position_embeddings", "n_positions", "max_sequence_length")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """A model's dimensions. Values that the configuration does not give are 0 or empty."""

    architecture: str
    num_hidden_layers: int
    num_attention_heads: int
    kv_heads: int
    head_size: int
    max_position_embeddings: int
    dtype: str = DEFAULT_DTYPE
    """The checkpoint's dtype."""
    shape: ModelShape | None = None
    """None for models that `capacity` cannot count: other architectures, or quantized weights."""

    def weight_bytes(self, dtype: str) -> int:
        """Bytes of all weights; 0 if they cannot be counted."""
        return self.shape.weight_bytes(dtype) if self.shape is not None else 0

    def find_need(self, layout: Layout, *, dtype: str, size_bytes: int) -> MemoryNeed:
        """The memory that the model needs, from `size_bytes` on disk if it cannot be counted."""
        if self.shape is not None:
            return count_need(self.shape, layout, dtype=dtype)
        return spread_need(self, layout, dtype=dtype, weight_bytes=size_bytes)


def find_model(folder: Path, *names: str) -> ModelFacts | None:
    """The model in the folder's `config.json`, or the first of `names` that `capacity` knows."""
    config = _read(folder / "config.json")
    if config is not None:
        return read_config(config)
    for name in names:
        if name in SHAPES:
            return _describe(SHAPES[name])
    return None


def read_config(config: Mapping[str, Any]) -> ModelFacts | None:
    """The model's facts, or None if the configuration lacks the number of layers or heads."""
    shape = _count(config)
    facts = _read_dimensions(config) if shape is None else _describe(shape)
    if facts is None:
        return None
    names = config.get("architectures") or [""]
    return replace(
        facts,
        architecture=str(names[0]),
        dtype=read_dtype(config),
        shape=None if "quantization_config" in config else shape,
    )


def _count(config: Mapping[str, Any]) -> ModelShape | None:
    """The shape, or None for a model that `capacity` cannot count."""
    try:
        return read_shape(config, name=str(config.get("model_type")))
    except PlanError:
        return None


def _describe(shape: ModelShape) -> ModelFacts:
    return ModelFacts(
        architecture=CLASSES[shape.architecture],
        num_hidden_layers=shape.num_hidden_layers,
        num_attention_heads=shape.num_attention_heads,
        kv_heads=shape.kv_heads,
        head_size=shape.head_size,
        max_position_embeddings=shape.max_position_embeddings,
        shape=shape,
    )


def _read_dimensions(config: Mapping[str, Any]) -> ModelFacts | None:
    heads = _number(config, "num_attention_heads")
    layers = _number(config, "num_hidden_layers")
    width = _number(config, "hidden_size")
    if not (heads and layers and width):
        return None
    return ModelFacts(
        architecture="",
        num_hidden_layers=layers,
        num_attention_heads=heads,
        kv_heads=_number(config, "num_key_value_heads") or heads,
        head_size=_number(config, "head_dim") or width // heads,
        max_position_embeddings=next(
            (number for name in LONGEST_CONTEXTS if (number := _number(config, name))), 0
        ),
    )


def _number(config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    return value if isinstance(value, int) else 0


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
