"""The name of each of metaseq's tensors in `OPTForCausalLM`, and how its parts are joined.

Facts and their sources:
- Megatron's column-parallel layers (`qkv_proj`, `q_proj`, `k_proj`, `v_proj`, `fc1`) and the
  vocabulary of `embed_tokens` are split along rows, weight and bias. Row-parallel ones (`out_proj`,
  `fc2`) are split along columns and every part has the whole bias. Every part has all the rest
  (metaseq/distributed/stitch_fsdp_ckpt.py: `glue_megatron_parts`;
  metaseq/model_parallel/modules/multihead_attention.py and transformer_layer.py).
- A part's `qkv_proj` is its keys, then its values, then its queries, despite the name
  (the same files; issue 475 shows the name in OPT-175B). So each third is joined over the parts,
  never the fused tensors (transformers, `convert_opt_original_pytorch_checkpoint_to_pytorch.py`,
  splits in the same order after such a join).
- `version` is a buffer; `output_projection` is the tied `embed_tokens`
  (metaseq/models/transformer_decoder.py, metaseq/checkpoint_utils.py). OPT-350M has
  `project_in_dim` and `project_out_dim` and no `decoder.layer_norm`, since it normalizes after
  each block (the same conversion script of transformers).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

LAYER = re.compile(r"decoder\.layers\.(\d+)\.(.+)", re.ASCII)
EMBED_TOKENS = "decoder.embed_tokens.weight"
EMBED_POSITIONS = "decoder.embed_positions.weight"
OUTPUT_PROJECTION = "decoder.output_projection.weight"
LAST_NORM = "decoder.layer_norm.weight"


class Join(StrEnum):
    """How the tensors of the parts are joined."""

    ROWS = "rows"
    COLUMNS = "columns"
    SAME = "same"
    """Every part has the whole tensor."""


@dataclass(frozen=True, slots=True)
class Target:
    """A tensor of the output: its name, and its third of the fused source, if any."""

    name: str
    join: Join
    third: int | None = None


def _pair(source: str, target: str, weight: Join, bias: Join) -> dict[str, list[Target]]:
    return {
        f"{source}.weight": [Target(f"{target}.weight", weight)],
        f"{source}.bias": [Target(f"{target}.bias", bias)],
    }


def _fused() -> dict[str, list[Target]]:
    return {
        f"self_attn.qkv_proj.{kind}": [
            Target(f"self_attn.{letter}_proj.{kind}", Join.ROWS, third)
            for third, letter in enumerate("kvq")
        ]
        for kind in ("weight", "bias")
    }


IN_LAYER: dict[str, list[Target]] = {
    **_fused(),
    **_pair("self_attn.k_proj", "self_attn.k_proj", Join.ROWS, Join.ROWS),
    **_pair("self_attn.v_proj", "self_attn.v_proj", Join.ROWS, Join.ROWS),
    **_pair("self_attn.q_proj", "self_attn.q_proj", Join.ROWS, Join.ROWS),
    **_pair("self_attn.out_proj", "self_attn.out_proj", Join.COLUMNS, Join.SAME),
    **_pair("self_attn_layer_norm", "self_attn_layer_norm", Join.SAME, Join.SAME),
    **_pair("fc1", "fc1", Join.ROWS, Join.ROWS),
    **_pair("fc2", "fc2", Join.COLUMNS, Join.SAME),
    **_pair("final_layer_norm", "final_layer_norm", Join.SAME, Join.SAME),
}
BEFORE_LAYERS: dict[str, list[Target]] = {
    EMBED_TOKENS: [Target("model.decoder.embed_tokens.weight", Join.ROWS)],
    EMBED_POSITIONS: [Target("model.decoder.embed_positions.weight", Join.SAME)],
    "decoder.project_in_dim.weight": [Target("model.decoder.project_in.weight", Join.SAME)],
}
AFTER_LAYERS: dict[str, list[Target]] = {
    **_pair("decoder.layer_norm", "model.decoder.final_layer_norm", Join.SAME, Join.SAME),
    "decoder.project_out_dim.weight": [Target("model.decoder.project_out.weight", Join.SAME)],
    OUTPUT_PROJECTION: [Target("lm_head.weight", Join.ROWS)],
}
IGNORED = frozenset({"decoder.version"})


def order_of(name: str) -> tuple[int, int, int] | None:
    """A sort key in the order of the model; None for a tensor that OPT does not have."""
    if (match := LAYER.fullmatch(name)) is not None:
        return _place(1, int(match[1]), list(IN_LAYER), match[2])
    if name in BEFORE_LAYERS:
        return _place(0, 0, list(BEFORE_LAYERS), name)
    return _place(2, 0, list(AFTER_LAYERS), name)


def targets_of(name: str) -> list[Target]:
    """The output tensors made from a tensor of metaseq; `order_of` must know its name."""
    match = LAYER.fullmatch(name)
    if match is None:
        return BEFORE_LAYERS.get(name) or AFTER_LAYERS[name]
    prefix = f"model.decoder.layers.{match[1]}"
    return [
        Target(f"{prefix}.{target.name}", target.join, target.third)
        for target in IN_LAYER[match[2]]
    ]


def _place(group: int, layer: int, known: list[str], name: str) -> tuple[int, int, int] | None:
    return (group, layer, known.index(name)) if name in known else None
