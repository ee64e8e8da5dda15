"""Greedy continuations by transformers, to compare an engine with.

    python engine_tools/greedy_reference.py WEIGHTS < request.json > reply.json

The request is a list of {"prompt": str, "max_tokens": int}; the reply has, for each, `prompt_ids`,
`token_ids`, `text` and `margins`: per step, by how much the best logit beat the second best.
A step whose margin is within numerical noise may legitimately differ in another engine.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def continue_greedily(
    model: Any, tokenizer: Any, *, prompt: str, max_tokens: int
) -> dict[str, Any]:
    import torch

    prompt_ids = tokenizer(prompt)["input_ids"]
    ids, margins, cache = list(prompt_ids), [], None
    with torch.inference_mode():
        for _ in range(max_tokens):
            fresh = ids if cache is None else ids[-1:]
            output = model(torch.tensor([fresh]), past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            best = torch.topk(output.logits[0, -1], 2)
            margins.append(float(best.values[0] - best.values[1]))
            ids.append(int(best.indices[0]))
            if ids[-1] == model.config.eos_token_id:
                break
        check_without_cache(model, ids, begin=len(prompt_ids))
    token_ids = ids[len(prompt_ids) :]
    text = tokenizer.decode(token_ids, skip_special_tokens=True)
    return {"prompt_ids": prompt_ids, "token_ids": token_ids, "text": text, "margins": margins}


def check_without_cache(model: Any, ids: list[int], *, begin: int) -> None:
    """Check the tokens against one plain forward pass, the simplest computation there is."""
    import torch

    best = model(torch.tensor([ids[:-1]])).logits[0].argmax(dim=-1).tolist()
    if best[begin - 1 :] != ids[begin:]:
        sys.exit("greedy_reference: the model gives different tokens with and without its cache")


def main() -> None:
    parser = argparse.ArgumentParser(description="Continue prompts greedily with transformers.")
    parser.add_argument("weights", type=Path)
    weights: Path = parser.parse_args().weights

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    # With more threads than free cores, threads wait for each other more than they compute.
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(weights)
    model = AutoModelForCausalLM.from_pretrained(weights, dtype=torch.float32).eval()
    replies = [continue_greedily(model, tokenizer, **item) for item in json.load(sys.stdin)]
    json.dump(replies, sys.stdout)


if __name__ == "__main__":
    main()
