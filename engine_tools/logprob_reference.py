"""Print transformers' log-probabilities of prompts, and the distribution after each prompt.

    python logprob_reference.py WEIGHTS < requests.json

`requests.json` is a list of {"token_ids": [...], "width": k}; the output is a list of {"logprobs":
[null, ...], "top": [[[id, logprob], ...], ...], "last": [...]}, computed in float64. `last` is the
log-softmax over the whole vocabulary after the last token.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float64)
    model.eval()
    replies = []
    for request in json.load(sys.stdin):
        ids = torch.tensor([request["token_ids"]])
        with torch.inference_mode():
            logs = torch.log_softmax(model(ids).logits[0], dim=-1)
        before = logs[:-1]
        own = before.gather(1, ids[0, 1:, None])[:, 0].tolist()
        top = torch.topk(before, request["width"], dim=-1)
        pairs = [
            [[int(token), float(value)] for token, value in zip(*row, strict=True)]
            for row in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ]
        replies.append({"logprobs": [None, *own], "top": pairs, "last": logs[-1].tolist()})
    json.dump(replies, sys.stdout)


main()
