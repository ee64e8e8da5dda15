"""Fetch a model's weights from this site with transformers, and continue a text.

HF_ENDPOINT is the address of the site with /hub, and HF_TOKEN a key with the scope weights.
"""

from __future__ import annotations

import argparse

from transformers import AutoModelForCausalLM, AutoTokenizer


def continue_text(repository: str, text: str, *, revision: str, tokens: int) -> str:
    """The text and the most probable tokens after it."""
    tokenizer = AutoTokenizer.from_pretrained(repository, revision=revision)
    model = AutoModelForCausalLM.from_pretrained(repository, revision=revision)
    prompt = tokenizer(text, return_tensors="pt")
    (ids,) = model.generate(**prompt, do_sample=False, max_new_tokens=tokens)
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="Continue a text by the most probable tokens.")
    parser.add_argument("repository", help="such as smollm2/smollm2-135m")
    parser.add_argument("text")
    parser.add_argument("--revision", default="main")
    parser.add_argument("--tokens", type=int, default=20)
    words = parser.parse_args()
    print(continue_text(words.repository, words.text, revision=words.revision, tokens=words.tokens))


if __name__ == "__main__":
    main()
