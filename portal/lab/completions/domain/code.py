"""A completion request as code for several clients."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

EXTRA: Final = frozenset(
    {
        "top_k", "min_p", "repetition_penalty", "min_tokens", "ignore_eos", "stop_token_ids",
        "allowed_token_ids", "bad_words", "structured_outputs", "add_special_tokens",
        "prompt_logprobs",
    }
)  # fmt: skip
"""Fields without an argument in OpenAI's clients."""
NO_LIMIT: Final[Mapping[str, object]] = {
    "top_p": 1,
    "top_k": 0,
    "min_p": 0,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "repetition_penalty": 1,
    "stop": [],
    "stop_token_ids": [],
    "min_tokens": 0,
    "ignore_eos": False,
    "logit_bias": {},
    "allowed_token_ids": [],
    "bad_words": [],
    "add_special_tokens": True,
    "seed": None,
    "logprobs": None,
    "prompt_logprobs": None,
}
"""Values that mean the same as leaving the field out."""
EVALUATED: Final = (
    "temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty",
    "repetition_penalty",
)  # fmt: skip


@dataclass(frozen=True)
class Snippet:
    """One program; `note` says what it needs."""

    label: str
    code: str
    note: str = ""


def write_code(
    values: Mapping[str, Any], *, base_url: str, tokenizer: str, begins_with_bos: bool
) -> list[Snippet]:
    """The same request for each client; `values` are fields of `POST /v1/completions`."""
    given = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if name not in NO_LIMIT
        or (list(value) if isinstance(value, tuple) else value) != NO_LIMIT[name]
    }
    return [
        Snippet("curl", _write_curl(given, base_url=base_url)),
        Snippet("openai", _write_openai(given, base_url=base_url), "pip install openai"),
        Snippet(
            "lm_eval",
            _write_lm_eval(
                given, base_url=base_url, tokenizer=tokenizer, begins_with_bos=begins_with_bos
            ),
            'pip install "lm_eval[api]". A task has its own prompts and stops; replace gsm8k with '
            "yours.",
        ),
        Snippet(
            "langchain", _write_langchain(given, base_url=base_url), "pip install langchain-openai"
        ),
        Snippet("litellm", _write_litellm(given, base_url=base_url), "pip install litellm"),
    ]


def _write_curl(given: Mapping[str, Any], *, base_url: str) -> str:
    body = json.dumps(given, indent=2, ensure_ascii=False)
    return " \\\n  ".join(
        [
            f"curl {shlex.quote(base_url + '/completions')}",
            '-H "Authorization: Bearer $OPENAI_API_KEY"',
            '-H "Content-Type: application/json"',
            f"-d {shlex.quote(body)}",
        ]
    )


def _write_openai(given: Mapping[str, Any], *, base_url: str) -> str:
    return (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={base_url!r})  # the key is in OPENAI_API_KEY\n"
        f"answer = client.completions.create(\n{_write_arguments(given)})\n"
        "print(answer.choices[0].text)"
    )


def _write_langchain(given: Mapping[str, Any], *, base_url: str) -> str:
    own = {name: value for name, value in given.items() if name not in {"prompt", "stop"}}
    stop = f", stop={given['stop']!r}" if "stop" in given else ""
    return (
        "from langchain_openai import OpenAI\n\n"
        f"model = OpenAI(  # the key is in OPENAI_API_KEY\n    base_url={base_url!r},\n"
        f"{_write_arguments(own)})\n"
        f"print(model.invoke({given['prompt']!r}{stop}))"
    )


def _write_litellm(given: Mapping[str, Any], *, base_url: str) -> str:
    own = {**given, "model": f"text-completion-openai/{given['model']}"}
    return (
        "import litellm  # the key is in OPENAI_API_KEY\n\n"
        f"answer = litellm.text_completion(\n    api_base={base_url!r},\n{_write_arguments(own)})\n"
        "print(answer.choices[0].text)"
    )


def _write_lm_eval(
    given: Mapping[str, Any], *, base_url: str, tokenizer: str, begins_with_bos: bool
) -> str:
    arguments = {
        "model": given["model"],
        "base_url": f"{base_url}/completions",
        "tokenizer": tokenizer,
        "tokenizer_backend": "huggingface",
        "tokenized_requests": True,
        "num_concurrent": 4,
        **({"add_bos_token": True} if begins_with_bos else {}),
        **({"seed": given["seed"]} if "seed" in given else {}),
    }
    generation = {
        "max_gen_toks": given["max_tokens"],
        "do_sample": given["temperature"] > 0,
        **{name: given[name] for name in EVALUATED if name in given},
    }
    return " \\\n  ".join(
        [
            "lm_eval --model local-completions",
            f"--model_args {shlex.quote(_join(arguments))}",
            f"--gen_kwargs {shlex.quote(_join(generation))}",
            "--tasks gsm8k --limit 10",
        ]
    )


def _join(values: Mapping[str, object]) -> str:
    return ",".join(f"{name}={value}" for name, value in values.items())


def _write_arguments(values: Mapping[str, Any]) -> str:
    lines = [f"    {name}={value!r},\n" for name, value in values.items() if name not in EXTRA]
    extra = {name: value for name, value in values.items() if name in EXTRA}
    return "".join(lines) + (f"    extra_body={extra!r},\n" if extra else "")
