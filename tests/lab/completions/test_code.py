"""Generated code makes exactly the same request."""

from __future__ import annotations

import ast
import json
import shlex
from typing import Any

from portal.lab.completions.domain.code import write_code

HOSTILE = 'It\'s "quoted" $HOME `id` \\n {x} </pre><script>\nnext line'
VALUES: dict[str, Any] = {
    "model": "small",
    "prompt": HOSTILE,
    "max_tokens": 12,
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "presence_penalty": 0,
    "frequency_penalty": 0.5,
    "stop": ("\n", "'"),
    "seed": 7,
}
SAID = {
    "model": "small",
    "prompt": HOSTILE,
    "max_tokens": 12,
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "frequency_penalty": 0.5,
    "stop": ["\n", "'"],
    "seed": 7,
}


def codes(**changes: Any) -> dict[str, str]:
    snippets = write_code(
        {**VALUES, **changes},
        base_url="https://g.example/v1",
        tokenizer="owner/small",
        begins_with_bos=bool(changes.pop("bos", False)),
    )
    return {snippet.label: snippet.code for snippet in snippets}


def arguments_of(code: str) -> dict[str, Any]:
    """All keyword arguments of all calls of a program."""
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            found |= {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
    return found


def test_the_shell_reads_the_request_as_it_is() -> None:
    words = shlex.split(codes()["curl"])

    assert words[:2] == ["curl", "https://g.example/v1/completions"]
    assert json.loads(words[-1]) == SAID


def test_python_reads_the_request_as_it_is() -> None:
    rest = {name: value for name, value in SAID.items() if name != "top_k"}
    base = {"base_url": "https://g.example/v1", "extra_body": {"top_k": 40}}

    assert arguments_of(codes()["openai"]) == {**rest, **base}
    assert arguments_of(codes()["litellm"]) == {
        **rest,
        "model": "text-completion-openai/small",
        "api_base": "https://g.example/v1",
        "extra_body": {"top_k": 40},
    }
    langchain = codes()["langchain"]
    assert arguments_of(langchain) == {
        **{name: value for name, value in rest.items() if name != "prompt"},
        **base,
    }
    assert repr(HOSTILE) in langchain


def test_what_is_as_the_api_has_it_is_left_out() -> None:
    plain = codes(top_p=1.0, top_k=0, frequency_penalty=0.0, stop=(), seed=None)

    assert json.loads(shlex.split(plain["curl"])[-1]) == {
        "model": "small",
        "prompt": HOSTILE,
        "max_tokens": 12,
        "temperature": 0.7,
    }
    assert "extra_body" not in plain["openai"]


def test_lm_eval_gets_parameters_and_the_tokenizer_and_no_prompt() -> None:
    words = shlex.split(codes()["lm_eval"])

    assert words[words.index("--model_args") + 1] == (
        "model=small,base_url=https://g.example/v1/completions,tokenizer=owner/small,"
        "tokenizer_backend=huggingface,tokenized_requests=True,num_concurrent=4,seed=7"
    )
    assert words[words.index("--gen_kwargs") + 1] == (
        "max_gen_toks=12,do_sample=True,temperature=0.7,top_p=0.9,top_k=40,frequency_penalty=0.5"
    )
