"""Print sums of empty contexts, offsets and formats through the API as JSON.

    python numbers_client.py WEIGHTS URL KEY MODEL

The sums are beside those of lm_eval with transformers, which has a convention for empty contexts.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from openai import OpenAI

WEIGHTS, URL, KEY, MODEL = sys.argv[1:5]
CONTINUATIONS = ["Once upon a time", "The capital of France is Paris.", "\n\n", "def add(a, b):"]
SPELT = ["Hi<|im_end|>there", "<|endoftext|>x"]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def harness() -> dict[str, Any]:
    torch.set_num_threads(1)
    model = HFLM(pretrained=WEIGHTS, dtype="float32", device="cpu", batch_size=1)
    asked = [
        Instance(request_type="loglikelihood", doc={}, arguments=("", text), idx=place)
        for place, text in enumerate(CONTINUATIONS)
    ]
    found = model.loglikelihood(asked, disable_tqdm=True)
    return {
        "prefix": model.prefix_token_id,
        "sums": [value for value, _ in found],
        "is_greedy": [is_greedy for _, is_greedy in found],
    }


def scores(client: OpenAI) -> dict[str, Any]:
    body = {"model": MODEL, "context": "", "continuations": CONTINUATIONS}
    reply = client.post("/scores", cast_to=dict[str, Any], body=body)
    pinned = client.post("/scores", cast_to=dict[str, Any], body={**body, "prefix_token_id": 0})
    return {
        "context": reply["data"][0]["context"],
        "sums": [each["logprob_sum"] for each in reply["data"][0]["continuations"]],
        "is_greedy": [each["is_greedy"] for each in reply["data"][0]["continuations"]],
        "pinned": pinned["data"][0]["context"],
    }


def offsets(client: OpenAI, prompt: str) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": MODEL, "prompt": prompt, "echo": True, "logprobs": 1, "max_tokens": 1,
        "temperature": 0,
    }  # fmt: skip
    whole = client.completions.create(**asked).choices[0]
    pieces = [piece.choices[0] for piece in client.completions.create(**asked, stream=True)]
    return {
        "text": whole.text,
        "text_offset": whole.logprobs.text_offset,
        "streamed": [
            offset for piece in pieces if piece.logprobs for offset in piece.logprobs.text_offset
        ],
    }


def formatted(client: OpenAI) -> dict[str, Any]:
    reply = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "hi"}],
        max_tokens=60,
        temperature=0,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "x", "strict": True, "schema": SCHEMA},
        },
    )
    return json.loads(reply.choices[0].message.content or "")


def main() -> None:
    client = OpenAI(base_url=f"{URL}/v1", api_key=KEY)
    seen = {
        "harness": harness(),
        "scores": scores(client),
        "offsets": [offsets(client, prompt) for prompt in SPELT],
        "formatted": formatted(client),
    }
    print(json.dumps(seen))


main()
