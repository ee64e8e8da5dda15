"""Evaluate through the API and with transformers, and print every sample's answer as JSON.

    python lm_eval_client.py WEIGHTS URL MODEL < variants.json

The key is in OPENAI_API_KEY. `variants.json` names runs: {"hf": {"model": "hf"}, "batch": {"model":
"api", "batch_size": 16, "arguments": {"num_concurrent": 1}}, ...}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import torch
from lm_eval import simple_evaluate

DATA = Path(__file__).with_name("tasks")
WEIGHTS, URL, MODEL = sys.argv[1:4]
TASKS = ("choice", "rolling", "generate")


def task(name: str) -> dict[str, Any]:
    common = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(DATA / f"{name}.jsonl")}},
        "test_split": "test",
    }
    if name == "choice":
        return {
            **common,
            "output_type": "multiple_choice",
            "doc_to_text": "{{question}}",
            "doc_to_choice": "{{choices}}",
            "doc_to_target": "answer",
            "metric_list": [{"metric": "acc"}],
        }
    if name == "rolling":
        return {
            **common,
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": "{{text}}",
            "metric_list": [{"metric": "bits_per_byte"}],
        }
    return {
        **common,
        "output_type": "generate_until",
        "doc_to_text": "{{question}}",
        "doc_to_target": "{{answer}}",
        "generation_kwargs": {"until": ["\n", "."], "max_gen_toks": 8, "do_sample": False},
        "metric_list": [{"metric": "exact_match"}],
    }


def evaluate(variant: dict[str, Any]) -> dict[str, Any]:
    arguments = dict(variant.get("arguments", {}))
    if variant["model"] == "hf":
        model = "hf"
        arguments = {"pretrained": WEIGHTS, "dtype": "float32", **arguments}
    else:
        model = "local-completions"
        arguments = {
            "model": MODEL,
            "base_url": f"{URL}/v1/completions",
            "tokenizer": WEIGHTS,
            "tokenizer_backend": "huggingface",
            **arguments,
        }
    found = simple_evaluate(
        model=model,
        model_args={"max_length": 1024, **arguments},
        tasks=[task(name) for name in TASKS],
        batch_size=variant.get("batch_size", 1),
        device="cpu" if model == "hf" else None,
        log_samples=True,
        bootstrap_iters=0,
        verbosity="ERROR",
    )
    return {
        name: [
            {"answers": sample["resps"], "target": sample["target"]}
            for sample in sorted(found["samples"][name], key=lambda sample: sample["doc_id"])
        ]
        for name in TASKS
    } | {"accuracy": found["results"]["choice"]["acc,none"]}


def main() -> None:
    torch.set_num_threads(1)
    variants = json.load(sys.stdin)
    print(json.dumps({name: evaluate(variant) for name, variant in variants.items()}))


main()
