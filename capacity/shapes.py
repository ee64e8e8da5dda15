"""The shapes of decoder-only transformers, and the resulting numbers of bytes.

Parameters are counted, not quoted, as in `transformers`: OPT as in OPTForCausalLM with tied
embeddings, GPT-NeoX as in GPTNeoXForCausalLM, Llama-like models as in LlamaForCausalLM, and BLOOM
as in BloomForCausalLM. Keys and values take `2 x layers x kv_heads x head_size` elements per token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

BYTES_PER_ELEMENT: Final[Mapping[str, int]] = {"float32": 4, "float16": 2, "bfloat16": 2}
OPT_VOCABULARY: Final = 50272
OPT_POSITIONS: Final = 2048
OPT_POSITION_OFFSET: Final = 2
"""OPT's position table has two more rows than positions."""


class Architecture(StrEnum):
    """Model families whose parameters this module can count."""

    OPT = "opt"
    GPT_NEOX = "gpt_neox"
    LLAMA = "llama"
    BLOOM = "bloom"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """One model's dimensions, with the names in its `config.json`."""

    name: str
    architecture: Architecture
    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    """The maximum context; for BLOOM, which has no position table, the context in training."""
    num_key_value_heads: int = 0
    """0 if every attention head has its own keys and values."""
    word_embed_proj_dim: int = 0
    """The embeddings' width if narrower than the layers, as in OPT-350M; otherwise 0."""
    tie_word_embeddings: bool = True

    @property
    def kv_heads(self) -> int:
        return self.num_key_value_heads or self.num_attention_heads

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @property
    def parameters(self) -> int:
        """The number of parameters in the checkpoint; tied ones count once."""
        return _COUNTS[self.architecture](self)

    @property
    def parameters_read(self) -> int:
        """The number of parameters that one step reads: all except lookup tables."""
        tokens = 0 if self.tie_word_embeddings else self.vocab_size * self.hidden_size
        has_positions = self.architecture is Architecture.OPT
        rows = self.max_position_embeddings + OPT_POSITION_OFFSET if has_positions else 0
        return self.parameters - tokens - rows * self.hidden_size

    @property
    def parameters_outside_layers(self) -> int:
        """Embeddings, positions and the last layer norm."""
        return replace(self, num_hidden_layers=0).parameters

    @property
    def layer_parameters(self) -> int:
        return (self.parameters - self.parameters_outside_layers) // self.num_hidden_layers

    def weight_bytes(self, dtype: str) -> int:
        return self.parameters * BYTES_PER_ELEMENT[dtype]


def _count_opt(shape: ModelShape) -> int:
    width, inner = shape.hidden_size, shape.intermediate_size
    attention = 4 * width * width + 4 * width
    feed_forward = 2 * width * inner + inner + width
    layer_norms = 4 * width
    layers = shape.num_hidden_layers * (attention + feed_forward + layer_norms)
    embed = shape.word_embed_proj_dim or width
    tokens = shape.vocab_size * embed
    positions = (shape.max_position_embeddings + OPT_POSITION_OFFSET) * width
    if embed != width:
        # OPT-350M has projections before and after the layers, and no layer norm at the end.
        return layers + tokens + positions + 2 * embed * width
    return layers + tokens + positions + 2 * width


def _count_gpt_neox(shape: ModelShape) -> int:
    width, inner = shape.hidden_size, shape.intermediate_size
    attention = 4 * width * width + 4 * width
    feed_forward = 2 * width * inner + inner + width
    layers = shape.num_hidden_layers * (attention + feed_forward + 4 * width)
    copies = 1 if shape.tie_word_embeddings else 2
    return layers + copies * shape.vocab_size * width + 2 * width


def _count_llama(shape: ModelShape) -> int:
    width, kv_width = shape.hidden_size, shape.kv_heads * shape.head_size
    attention = 2 * width * width + 2 * width * kv_width
    layers = shape.num_hidden_layers * (attention + 3 * width * shape.intermediate_size + 2 * width)
    copies = 1 if shape.tie_word_embeddings else 2
    return layers + copies * shape.vocab_size * width + width


def _count_bloom(shape: ModelShape) -> int:
    width, inner = shape.hidden_size, shape.intermediate_size
    attention = 4 * width * width + 4 * width
    feed_forward = 2 * width * inner + inner + width
    layers = shape.num_hidden_layers * (attention + feed_forward + 4 * width)
    # One layer norm after the embeddings and one at the end; ALiBi needs no parameters.
    return layers + shape.vocab_size * width + 4 * width


_COUNTS: Final = {
    Architecture.OPT: _count_opt,
    Architecture.GPT_NEOX: _count_gpt_neox,
    Architecture.LLAMA: _count_llama,
    Architecture.BLOOM: _count_bloom,
}


def _opt(name: str, *, layers: int, width: int, heads: int, embed: int = 0) -> ModelShape:
    return ModelShape(
        name=name,
        architecture=Architecture.OPT,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        vocab_size=OPT_VOCABULARY,
        max_position_embeddings=OPT_POSITIONS,
        word_embed_proj_dim=embed,
    )


SHAPES: Final[Mapping[str, ModelShape]] = {
    shape.name: shape
    for shape in (
        _opt("opt-125m", layers=12, width=768, heads=12),
        _opt("opt-350m", layers=24, width=1024, heads=16, embed=512),
        _opt("opt-1.3b", layers=24, width=2048, heads=32),
        _opt("opt-2.7b", layers=32, width=2560, heads=32),
        _opt("opt-6.7b", layers=32, width=4096, heads=32),
        _opt("opt-13b", layers=40, width=5120, heads=40),
        _opt("opt-30b", layers=48, width=7168, heads=56),
        _opt("opt-66b", layers=64, width=9216, heads=72),
        _opt("opt-175b", layers=96, width=12288, heads=96),
        ModelShape(
            name="gpt-neox-20b",
            architecture=Architecture.GPT_NEOX,
            num_hidden_layers=44,
            hidden_size=6144,
            num_attention_heads=64,
            intermediate_size=24576,
            vocab_size=50432,
            max_position_embeddings=2048,
            tie_word_embeddings=False,
        ),
        ModelShape(
            name="bloom-176b",
            architecture=Architecture.BLOOM,
            num_hidden_layers=70,
            hidden_size=14336,
            num_attention_heads=112,
            intermediate_size=4 * 14336,
            vocab_size=250880,
            max_position_embeddings=2048,
        ),
        ModelShape(
            name="smollm2-135m",
            architecture=Architecture.LLAMA,
            num_hidden_layers=30,
            hidden_size=576,
            num_attention_heads=9,
            intermediate_size=1536,
            vocab_size=49152,
            max_position_embeddings=8192,
            num_key_value_heads=3,
        ),
    )
}
"""The models known by name. Others are read from their `config.json`."""
