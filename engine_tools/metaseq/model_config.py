"""`config.json` for `OPTForCausalLM`, made from the tensors and from metaseq's settings.

Facts and their sources: the position table has two more rows than there are positions, since the
positions start after the padding's index 1 (metaseq/modules/learned_positional_embedding.py); there
is a last layer norm if layers normalize before their blocks
(metaseq/models/transformer_decoder.py of 2022); `<s>`, `<pad>`, `</s>`, `<unk>` are 0 to 3
(metaseq/data/dictionary.py). No tensor gives the number of heads: it comes from `cfg`, from the
named size, or from the known size with this width and depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capacity.shapes import OPT_POSITION_OFFSET, SHAPES, Architecture, ModelShape
from engine_tools.metaseq.checkpoint import Checkpoint
from engine_tools.metaseq.errors import UnsupportedCheckpointError
from engine_tools.metaseq.inert_pickle import find_setting
from engine_tools.metaseq.output_tensors import OutputTensor

DECODER = "model.decoder"
ACTIVATIONS = ("relu", "gelu")
SIZES: Mapping[str, ModelShape] = {
    name: shape for name, shape in SHAPES.items() if shape.architecture is Architecture.OPT
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """The model's dimensions, read from the shapes of the tensors."""

    num_hidden_layers: int
    hidden_size: int
    ffn_dim: int
    vocab_size: int
    max_position_embeddings: int
    word_embed_proj_dim: int


def read_dimensions(tensors: list[OutputTensor]) -> Dimensions:
    """Raises `UnsupportedCheckpointError` if the tensors are not those of one complete OPT."""
    shapes = {tensor.name: tensor.shape for tensor in tensors}
    for wanted in ("embed_tokens.weight", "embed_positions.weight", "layers.0.fc1.weight"):
        if f"{DECODER}.{wanted}" not in shapes:
            raise UnsupportedCheckpointError(f"the checkpoint lacks decoder.{wanted}")
    vocab_size, embed = shapes[f"{DECODER}.embed_tokens.weight"]
    positions, hidden_size = shapes[f"{DECODER}.embed_positions.weight"]
    layers = {name.split(".")[3] for name in shapes if name.startswith(f"{DECODER}.layers.")}
    dimensions = Dimensions(
        num_hidden_layers=len(layers),
        hidden_size=hidden_size,
        ffn_dim=shapes[f"{DECODER}.layers.0.fc1.weight"][0],
        vocab_size=vocab_size,
        max_position_embeddings=positions - OPT_POSITION_OFFSET,
        word_embed_proj_dim=embed,
    )
    _refuse_wrong_shapes(shapes, dimensions)
    return dimensions


def expected_shapes(
    dimensions: Dimensions, *, biases: bool, norms: bool
) -> dict[str, tuple[int, ...]]:
    """Every tensor that `OPTForCausalLM` needs, without the last norm, which is optional."""
    hidden, inner = dimensions.hidden_size, dimensions.ffn_dim
    embed = dimensions.word_embed_proj_dim
    shapes: dict[str, tuple[int, ...]] = {
        f"{DECODER}.embed_tokens.weight": (dimensions.vocab_size, embed),
        f"{DECODER}.embed_positions.weight": (
            dimensions.max_position_embeddings + OPT_POSITION_OFFSET,
            hidden,
        ),
    }
    if embed != hidden:
        shapes[f"{DECODER}.project_in.weight"] = (hidden, embed)
        shapes[f"{DECODER}.project_out.weight"] = (embed, hidden)
    linear = {
        **{f"self_attn.{letter}_proj": (hidden, hidden) for letter in "kvq"},
        "self_attn.out_proj": (hidden, hidden),
        "fc1": (inner, hidden),
        "fc2": (hidden, inner),
    }
    for layer in range(dimensions.num_hidden_layers):
        prefix = f"{DECODER}.layers.{layer}"
        for name, shape in linear.items():
            shapes[f"{prefix}.{name}.weight"] = shape
            if biases:
                shapes[f"{prefix}.{name}.bias"] = shape[:1]
        for name in ("self_attn_layer_norm", "final_layer_norm") if norms else ():
            shapes[f"{prefix}.{name}.weight"] = shapes[f"{prefix}.{name}.bias"] = (hidden,)
    return shapes


def build_config(
    checkpoint: Checkpoint,
    tensors: list[OutputTensor],
    *,
    dtype: str,
    size: str | None,
    num_attention_heads: int | None,
) -> dict[str, Any]:
    """The contents of `config.json`. `size` is one of `SIZES`, or None.

    Raises `UnsupportedCheckpointError` if the checkpoint is not of that size, if it uses a feature
    that OPT lacks, or if the number of heads is not known.
    """
    dimensions = read_dimensions(tensors)
    names = {tensor.name for tensor in tensors}
    settings = checkpoint.settings
    if size is not None:
        _refuse_other_size(dimensions, SIZES[size])
    return {
        "architectures": ["OPTForCausalLM"],
        "model_type": "opt",
        "torch_dtype": dtype,
        "num_hidden_layers": dimensions.num_hidden_layers,
        "hidden_size": dimensions.hidden_size,
        "ffn_dim": dimensions.ffn_dim,
        "vocab_size": dimensions.vocab_size,
        "max_position_embeddings": dimensions.max_position_embeddings,
        "word_embed_proj_dim": dimensions.word_embed_proj_dim,
        "num_attention_heads": _find_heads(
            dimensions, settings, size=size, given=num_attention_heads
        ),
        "activation_function": _find_activation(settings),
        **_find_norms(settings, names),
        "enable_bias": f"{DECODER}.layers.0.fc1.bias" in names,
        "tie_word_embeddings": "lm_head.weight" not in names,
        "dropout": 0.1,
        "attention_dropout": 0.0,
        "layerdrop": 0.0,
        "init_std": 0.02,
        "use_cache": True,
        "bos_token_id": 2,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }


def _refuse_wrong_shapes(shapes: Mapping[str, tuple[int, ...]], dimensions: Dimensions) -> None:
    expected = expected_shapes(
        dimensions,
        biases=f"{DECODER}.layers.0.fc1.bias" in shapes,
        norms=f"{DECODER}.layers.0.final_layer_norm.weight" in shapes,
    )
    for name, shape in expected.items():
        if name not in shapes:
            raise UnsupportedCheckpointError(f"the checkpoint lacks the source of {name}")
        if shapes[name] != shape:
            raise UnsupportedCheckpointError(
                f"{name}: would be {list(shapes[name])}, but the model needs {list(shape)}; "
                "a tensor-parallel part may be missing"
            )
    optional = {f"{DECODER}.final_layer_norm.{kind}" for kind in ("weight", "bias")}
    surplus = sorted(shapes.keys() - expected.keys() - optional - {"lm_head.weight"})
    if surplus:
        raise UnsupportedCheckpointError(f"{surplus[0]}: is only in some layers of the checkpoint")


def _refuse_other_size(dimensions: Dimensions, shape: ModelShape) -> None:
    expected = {
        "num_hidden_layers": shape.num_hidden_layers,
        "hidden_size": shape.hidden_size,
        "ffn_dim": shape.intermediate_size,
        "vocab_size": shape.vocab_size,
        "max_position_embeddings": shape.max_position_embeddings,
        "word_embed_proj_dim": shape.word_embed_proj_dim or shape.hidden_size,
    }
    for name, value in expected.items():
        found = getattr(dimensions, name)
        if found != value:
            raise UnsupportedCheckpointError(
                f"the checkpoint is not {shape.name}: its {name} is {found}, not {value}; "
                "correct --size or leave it out"
            )


def _find_heads(
    dimensions: Dimensions, settings: object, *, size: str | None, given: int | None
) -> int:
    known = {
        (shape.num_hidden_layers, shape.hidden_size): shape.num_attention_heads
        for shape in SIZES.values()
    }
    heads = (
        given
        or (SIZES[size].num_attention_heads if size else None)
        or find_setting(settings, "decoder_attention_heads")
        or known.get((dimensions.num_hidden_layers, dimensions.hidden_size))
    )
    if not isinstance(heads, int):
        raise UnsupportedCheckpointError(
            "the checkpoint does not say how many attention heads it has; give "
            "--num-attention-heads"
        )
    if heads < 1 or dimensions.hidden_size % heads:
        raise UnsupportedCheckpointError(
            f"{heads} attention heads do not divide a width of {dimensions.hidden_size}; "
            "correct --num-attention-heads"
        )
    return heads


def _find_activation(settings: object) -> str:
    activation = find_setting(settings, "activation_fn") or "relu"
    if activation not in ACTIVATIONS:
        raise UnsupportedCheckpointError(f"activation_fn {activation} is not one of OPT's")
    if find_setting(settings, "no_scale_embedding") is False:
        raise UnsupportedCheckpointError("the checkpoint scales its embeddings; OPT does not")
    return str(activation)


def _find_norms(settings: object, names: set[str]) -> dict[str, bool]:
    """Where the norms are and whether they have weights."""
    affine = f"{DECODER}.layers.0.final_layer_norm.weight" in names
    last = f"{DECODER}.final_layer_norm.weight" in names
    before = find_setting(settings, "decoder_normalize_before")
    if before is None:
        before = last or not affine
    if last and not before:
        raise UnsupportedCheckpointError(
            "the checkpoint normalizes after each block but has a last layer norm; no OPT does"
        )
    return {
        "do_layer_norm_before": bool(before),
        "_remove_final_layer_norm": bool(before) and affine and not last,
        "layer_norm_elementwise_affine": affine,
    }
