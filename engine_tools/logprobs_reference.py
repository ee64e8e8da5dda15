"""All log-probabilities of token ids, as transformers computes them in float32.

    python engine_tools/logprobs_reference.py WEIGHTS OUT < ids.json

The ids are one JSON list. OUT gets float32 in this machine's byte order: for every position but
the last, the log-probability of each entry of the vocabulary as the next token.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description="Log-probabilities by transformers.")
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()

    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    ids = json.load(sys.stdin)
    model = AutoModelForCausalLM.from_pretrained(options.weights, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0, :-1].float()
        logprobs = torch.log_softmax(logits, dim=-1)
    options.out.write_bytes(logprobs.contiguous().numpy().tobytes())


if __name__ == "__main__":
    main()
