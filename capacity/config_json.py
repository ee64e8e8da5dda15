"""A model's shape from the `config.json` beside its weights, in the format of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capacity.errors import PlanError
from capacity.shapes import Architecture, ModelShape

FIELD = "config"
DEFAULT_DTYPE = "float16"
"""For a checkpoint without a dtype; such models are usually published in float16."""


def read_shape(config: Mapping[str, Any], *, name: str) -> ModelShape:
    """The shape; raises `PlanError` with the key that is missing, wrong or not supported."""
    kind = config.get("model_type")
    if kind not in set(Architecture):
        known = ", ".join(Architecture)
        raise PlanError(FIELD, f"model_type {kind!r} is not supported (known: {known})")
    architecture = Architecture(kind)
    width = _read(config, "hidden_size", "n_embed")
    heads = _read(config, "num_attention_heads", "n_head")
    if width % heads:
        raise PlanError(FIELD, f"hidden_size {width} is not divisible by {heads} heads")
    if config.get("head_dim") not in {None, width // heads}:
        raise PlanError(FIELD, "a head_dim other than hidden_size / heads is not supported")
    return ModelShape(
        name=name,
        architecture=architecture,
        num_hidden_layers=_read(config, "num_hidden_layers", "n_layer"),
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=_read_intermediate_size(config, architecture, width=width),
        vocab_size=_read(config, "vocab_size"),
        max_position_embeddings=_read(
            config, "max_position_embeddings", "seq_length", default=2048
        ),
        num_key_value_heads=_read(config, "num_key_value_heads", default=0),
        word_embed_proj_dim=_read(config, "word_embed_proj_dim", default=0),
        tie_word_embeddings=_read_tied(config, architecture),
    )


def read_dtype(config: Mapping[str, Any]) -> str:
    """The checkpoint's number format, from the current or the older key."""
    return str(config.get("dtype") or config.get("torch_dtype") or DEFAULT_DTYPE)


def _read_intermediate_size(
    config: Mapping[str, Any], architecture: Architecture, *, width: int
) -> int:
    if architecture is Architecture.BLOOM:
        return 4 * width
    return _read(config, "ffn_dim" if architecture is Architecture.OPT else "intermediate_size")


def _read_tied(config: Mapping[str, Any], architecture: Architecture) -> bool:
    """OPT and BLOOM are always tied; other models only if the file says so."""
    tied = config.get("tie_word_embeddings")
    always = architecture in {Architecture.OPT, Architecture.BLOOM}
    if always and tied is False:
        raise PlanError(FIELD, f"{architecture} with untied embeddings is not supported")
    return always or bool(tied)


def _read(config: Mapping[str, Any], *keys: str, default: int | None = None) -> int:
    for key in keys:
        value = config.get(key)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise PlanError(FIELD, f"{key} must be a whole number above 0, not {value!r}")
        return value
    if default is None:
        raise PlanError(FIELD, f"{keys[0]} is missing")
    return default
