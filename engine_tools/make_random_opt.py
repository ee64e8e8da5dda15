"""Fill a folder that has an OPT's `config.json` with random weights, as sharded safetensors.

    python engine_tools/make_random_opt.py FOLDER [--dtype bfloat16]

For shapes as large as OPT-175B's layers: one tensor is in memory at a time, besides the shard that
is being filled. Layer norms are near 1 and biases near 0, but never exactly, so that a tensor in
the wrong place changes the model's output.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

SEED = 175
SPREAD = 0.02
SHARD_BYTES = 10**9


def draw(shape: tuple[int, ...], *, around: float, dtype: Any, generator: Any) -> Any:
    """Normally distributed numbers, drawn in pieces: the largest tensor in float32 needs 2.5 GB."""
    import torch

    tensor = torch.empty(shape, dtype=dtype)
    flat = tensor.view(-1)
    for piece in flat.split(2**24):
        piece.copy_(torch.randn(piece.numel(), generator=generator).mul_(SPREAD).add_(around))
    return tensor


def write_weights(folder: Path, *, dtype_name: str) -> int:
    """Write the shards and their index, and return the number of parameters."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    shapes = {name: tuple(tensor.shape) for name, tensor in model.named_parameters()}
    generator = torch.Generator().manual_seed(SEED)
    dtype = getattr(torch, dtype_name)
    places: dict[str, str] = {}
    shard: dict[str, Any] = {}
    total = 0

    def close() -> None:
        name = f"model-{len(set(places.values())) + 1:05}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        places.update(dict.fromkeys(shard, name))
        shard.clear()

    for name, shape in shapes.items():
        is_norm = name.endswith("layer_norm.weight")
        tensor = draw(shape, around=float(is_norm), dtype=dtype, generator=generator)
        if shard and sum(t.nbytes for t in shard.values()) + tensor.nbytes > SHARD_BYTES:
            close()
        shard[name] = tensor
        total += tensor.numel()
    close()
    size = total * dtype.itemsize
    index = {"metadata": {"total_size": size}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill an OPT's folder with random weights.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", default="bfloat16", choices=("float32", "float16", "bfloat16"))
    options = parser.parse_args()
    print(write_weights(options.folder, dtype_name=options.dtype))


if __name__ == "__main__":
    main()
