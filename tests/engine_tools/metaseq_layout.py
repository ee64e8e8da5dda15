"""Known OPTs in metaseq's layout, for the tests of the converter. Run by the engine's interpreter.

    python metaseq_layout.py make < '{"OUT": {"layers": 4, ...}, ...}'   OUT/hf and OUT/metaseq
    python metaseq_layout.py compare < '[["HF", "CONVERTED"], ...]'      differences as JSON

It shares nothing with the converter. It splits as metaseq's modules compute: part `p` owns some
heads, some of the inner neurons and some of the vocabulary; fairscale then flattens each module,
cuts the flat parameter into chunks and pads the last ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import types
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

DEFAULTS = {
    "layers": 4,
    "hidden": 64,
    "heads": 8,
    "ffn": 256,
    "embed": 64,
    "vocab": 512,
    "positions": 32,
    "before": True,
    "parts": 1,
    "shards": 1,
    "dtype": "float16",
    "prefix": "checkpoint_last",
    "head": "absent",
    "fused": True,
    "settings": True,
    "metadata": True,
    "drift": 0.0,
    "reference": True,
}


MANY, FILLERS = 10_000, 7
"""A vocabulary of OPT's size has as many rows without a token as OPT's."""


def make_model(want: dict[str, Any]) -> Any:
    from transformers import OPTConfig, OPTForCausalLM

    torch.manual_seed(want["layers"] * 1000 + want["hidden"])
    config = OPTConfig(
        vocab_size=want["vocab"],
        hidden_size=want["hidden"],
        word_embed_proj_dim=want["embed"],
        num_hidden_layers=want["layers"],
        num_attention_heads=want["heads"],
        ffn_dim=want["ffn"],
        max_position_embeddings=want["positions"],
        do_layer_norm_before=want["before"],
        bos_token_id=2,
        eos_token_id=2,
        pad_token_id=1,
        init_std=0.2,
    )
    model = OPTForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Norms and biases start as ones and zeros, which would hide a wrong order.
            if "norm" in name or name.endswith("bias"):
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.to(getattr(torch, want["dtype"]))


def split_attention(state: dict[str, Any], layer: str, want: dict[str, Any], part: int) -> Any:
    """The rows of this part's heads, for keys, values and queries."""
    size = want["hidden"] // want["heads"]
    mine = want["heads"] // want["parts"]
    heads = range(part * mine, (part + 1) * mine)
    rows = torch.tensor([head * size + row for head in heads for row in range(size)])
    result = {}
    for kind in ("weight", "bias"):
        key, value, query = (state[f"{layer}.self_attn.{x}_proj.{kind}"][rows] for x in "kvq")
        if want["fused"]:
            result[f"self_attn.qkv_proj.{kind}"] = torch.cat([key, value, query])
        else:
            for letter, tensor in (("k", key), ("v", value), ("q", query)):
                result[f"self_attn.{letter}_proj.{kind}"] = tensor
    result["self_attn.out_proj.weight"] = state[f"{layer}.self_attn.out_proj.weight"][:, rows]
    result["self_attn.out_proj.bias"] = state[f"{layer}.self_attn.out_proj.bias"]
    return result


def split_layer(state: dict[str, Any], number: int, want: dict[str, Any], part: int) -> Any:
    layer = f"model.decoder.layers.{number}"
    mine = want["ffn"] // want["parts"]
    neurons = slice(part * mine, (part + 1) * mine)
    result = split_attention(state, layer, want, part)
    for norm in ("self_attn_layer_norm", "final_layer_norm"):
        for kind in ("weight", "bias"):
            result[f"{norm}.{kind}"] = state[f"{layer}.{norm}.{kind}"] + want["drift"] * part
    result["fc1.weight"] = state[f"{layer}.fc1.weight"][neurons]
    result["fc1.bias"] = state[f"{layer}.fc1.bias"][neurons]
    result["fc2.weight"] = state[f"{layer}.fc2.weight"][:, neurons]
    result["fc2.bias"] = state[f"{layer}.fc2.bias"]
    return result


def split_rest(state: dict[str, Any], want: dict[str, Any], part: int) -> dict[str, Any]:
    mine = want["vocab"] // want["parts"]
    words = state["model.decoder.embed_tokens.weight"][part * mine : (part + 1) * mine]
    result = {
        "decoder.embed_tokens.weight": words,
        "decoder.embed_positions.weight": state["model.decoder.embed_positions.weight"],
    }
    if want["head"] == "tied":
        result["decoder.output_projection.weight"] = words.clone()
    if want["before"]:
        for kind in ("weight", "bias"):
            result[f"decoder.layer_norm.{kind}"] = state[f"model.decoder.final_layer_norm.{kind}"]
    if want["embed"] != want["hidden"]:
        for side in ("in", "out"):
            tensor = state[f"model.decoder.project_{side}.weight"]
            result[f"decoder.project_{side}_dim.weight"] = tensor
    return result


def split_part(state: dict[str, Any], want: dict[str, Any], part: int) -> dict[str, Any]:
    """A part's modules by FSDP path; the root's path is empty."""
    modules = {"": split_rest(state, want, part)}
    for number in range(want["layers"]):
        modules[f"decoder.layers.{number}"] = split_layer(state, number, want, part)
    return modules


def make_settings(want: dict[str, Any]) -> Any:
    """As metaseq saves it: a Namespace of the model's arguments, and objects of its classes."""
    module = types.ModuleType("metaseq_not_installed")
    sys.modules[module.__name__] = module
    config_class = type("TrainingConfig", (), {"__module__": module.__name__})
    vars(module)["TrainingConfig"] = config_class
    config = config_class()
    config.precision = "fp16"
    model = argparse.Namespace(
        decoder_attention_heads=want["heads"],
        decoder_normalize_before=want["before"],
        activation_fn="relu",
        no_scale_embedding=True,
    )
    return {"model": model, "common": config, "task": {"name": "streaming_language_modeling"}}


def wrap(model: dict[str, Any], want: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "model": OrderedDict(model),
        "optimizer_history": [{"num_updates": 143000}],
        "extra_state": {"epoch": 1},
    }
    if want["settings"]:
        content["cfg"] = make_settings(want)
    return content


def write_shards(folder: Path, modules: dict[str, Any], want: dict[str, Any], part: int) -> None:
    world = want["shards"]
    models: list[dict[str, Any]] = [{} for _ in range(world)]
    metadata: list[list[Any]] = [[] for _ in range(world)]
    for path, tensors in modules.items():
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors.values()])
        chunks = list(flat.chunk(world))
        while len(chunks) < world:
            chunks.append(chunks[0].new_empty(0))
        for rank, chunk in enumerate(chunks):
            padding = chunks[0].numel() - chunk.numel()
            name = f"{path}.flat_param_0" if path else "flat_param_0"
            # The padding must not matter, so it is nonsense and not zeros.
            models[rank][name] = functional.pad(chunk.clone(), [0, padding], value=7.0)
            about = {
                "names": list(tensors),
                "shapes": [tensor.shape for tensor in tensors.values()],
                "numels": [tensor.numel() for tensor in tensors.values()],
                "padding": padding,
            }
            metadata[rank].append(
                {
                    "fsdp_path": path,
                    "params": {"flat_param_0": about},
                    "no_broadcast_optim_state": False,
                    "shared_param_info": [],
                }
            )
    for rank in range(world):
        models[rank]["decoder.version"] = torch.tensor([3.0], dtype=torch.float16)
        content = wrap(models[rank], want)
        if want["metadata"]:
            content["shard_metadata"] = {
                "param_metadata": metadata[rank],
                "buffer_names": ["decoder.version"],
            }
        torch.save(content, folder / f"{want['prefix']}-model_part-{part}-shard{rank}.pt")


def write_unflattened(
    folder: Path, modules: dict[str, Any], want: dict[str, Any], part: int
) -> None:
    """As `reshard_fsdp` writes it: views of one storage per module, under their own names."""
    model = {"decoder.version": torch.tensor([3.0])}
    for path, tensors in modules.items():
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors.values()])
        pieces = flat.split([tensor.numel() for tensor in tensors.values()])
        for (name, tensor), piece in zip(tensors.items(), pieces, strict=True):
            model[f"{path}.{name}" if path else name] = piece.view(tensor.shape)
    suffix = f"-model_part-{part}" if want["parts"] > 1 else ""
    torch.save(wrap(model, want), folder / f"{want['prefix']}{suffix}.pt")


def write_tokenizer(folder: Path, vocab: int) -> None:
    """A byte-level BPE of fewer tokens than the model has rows, as OPT's."""
    from tokenizers import pre_tokenizers

    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokens = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), "th", "the", "in"]
    if vocab > MANY:
        tokens += [f"word{number}" for number in range(vocab - FILLERS - len(tokens))]
    merges = ["#version: 0.2", "t h", "th e", "i n"]
    filler = [f"madeupword{number:04d}" for number in range(vocab - len(tokens))]
    numbers = {token: number for number, token in enumerate(tokens)}
    (folder / "gpt2-vocab.json").write_text(json.dumps(numbers), encoding="utf-8")
    (folder / "gpt2-merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    lines = [f"{number} 1" for number in range(4, len(tokens))] + [f"{word} 0" for word in filler]
    (folder / "dict.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def make(out: Path, want: dict[str, Any]) -> None:
    model = make_model(want)
    if want["reference"]:
        model.save_pretrained(out / "hf")
    folder = out / "metaseq"
    folder.mkdir(parents=True)
    state = model.state_dict()
    for part in range(want["parts"]):
        modules = split_part(state, want, part)
        write = write_shards if want["shards"] > 1 else write_unflattened
        write(folder, modules, want, part)
    write_tokenizer(folder, want["vocab"])


def compare(reference: Path, converted: Path) -> dict[str, Any]:
    """Load both with transformers and run the same tokens through them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    models = [AutoModelForCausalLM.from_pretrained(path) for path in (reference, converted)]
    state, loaded = (model.state_dict() for model in models)
    unequal = [
        name for name in state if not torch.equal(state[name].to(models[1].dtype), loaded[name])
    ]
    dtype = str(models[1].dtype)
    # Both calculate in one format, so that only the numbers can differ.
    models = [model.to(torch.float32) for model in models]
    ids = torch.arange(2, 26).remainder(models[0].config.vocab_size).unsqueeze(0)
    with torch.inference_mode():
        logits = [model(ids).logits.double() for model in models]
    tokenizer = AutoTokenizer.from_pretrained(converted)
    prompt = tokenizer("the thin")["input_ids"]
    return {
        "logits": float((logits[0] - logits[1]).abs().max()),
        "spread": float(logits[0].std()),
        "unequal": unequal,
        "dtype": dtype,
        "prompt": prompt,
        "text": tokenizer.decode(prompt, skip_special_tokens=True),
        "tokens": len(tokenizer),
    }


def main() -> None:
    request = json.load(sys.stdin)
    if sys.argv[1] == "make":
        for out, want in request.items():
            make(Path(out), {**DEFAULTS, **want})
    else:
        json.dump([compare(Path(one), Path(other)) for one, other in request], sys.stdout)


if __name__ == "__main__":
    main()
