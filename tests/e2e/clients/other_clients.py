"""What litellm and langchain get from the API, printed as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

# Otherwise it first downloads prices from the network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from langchain_openai import OpenAI

BASE, KEY, MODEL = sys.argv[1:4]
PROMPT = "The capital of France is"


def main() -> None:
    json.dump({"litellm": by_litellm(), "langchain": by_langchain()}, sys.stdout)


def by_litellm() -> dict[str, Any]:
    def ask(**values: Any) -> Any:
        return litellm.text_completion(
            model=f"text-completion-openai/{MODEL}",
            api_base=f"{BASE}/v1",
            api_key=KEY,
            max_tokens=6,
            temperature=0,
            **values,
        )

    whole = ask(prompt=[PROMPT, "One, two,"], logprobs=1)
    pieces = list(ask(prompt=PROMPT, stream=True))
    return {
        "texts": [choice.text for choice in whole.choices],
        "tokens": len(whole.choices[0].logprobs.tokens),
        "streamed": "".join(piece.choices[0].text or "" for piece in pieces),
        "usage": whole.usage.completion_tokens,
    }


def by_langchain() -> dict[str, Any]:
    model = OpenAI(  # type: ignore[call-arg]
        base_url=f"{BASE}/v1", api_key=KEY, model=MODEL, max_tokens=6, temperature=0
    )
    many = OpenAI(  # type: ignore[call-arg]
        base_url=f"{BASE}/v1", api_key=KEY, model=MODEL, max_tokens=6, temperature=0, n=2
    )
    generated = many.generate([PROMPT, "One, two,"])
    return {
        "invoked": model.invoke(PROMPT),
        "batch": model.batch([PROMPT, "One, two,"]),
        "streamed": "".join(model.stream(PROMPT)),
        "generated": [[one.text for one in each] for each in generated.generations],
        "usage": (generated.llm_output or {})["token_usage"]["completion_tokens"],
    }


main()
