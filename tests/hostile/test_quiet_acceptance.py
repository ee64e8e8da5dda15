"""No field that changes an answer is ignored silently: it is honoured, or refused by name."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from portal.lab.jobs.models import GenerationJob
from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.playground.sse import in_thread

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
LONG = int("9" * 40)


async def ask(laboratory: Laboratory, path: str = "/v1/completions", **body: Any) -> list[Any]:
    """Status, code and param; only the status of a success."""
    async with laboratory.working():
        response = await laboratory.client.ask(path, json={"model": laboratory.model.slug, **body})
    error = response.json().get("error", {})
    return [response.status_code, error["code"], error["param"]] if error else [200]


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("allowed_token_ids", [], "allowed_token_ids"),
        ("allowed_token_ids", [300], "allowed_token_ids[0]"),
        ("logit_bias", {"30": 100, "030": -100}, "logit_bias"),
        ("logit_bias", {"\u0665": 100}, "logit_bias"),
        ("logit_bias", {"+5": 100}, "logit_bias"),
        ("logit_bias", {" 5": 100}, "logit_bias"),
        ("logit_bias", {"9" * 5000: 1}, "logit_bias"),
        ("logit_bias", {"5": True}, "logit_bias.5"),
        ("logit_bias", {"300": 5}, "logit_bias"),
        ("max_tokens", True, "max_tokens"),
        ("max_tokens", 1.0, "max_tokens"),
        ("max_tokens", "1", "max_tokens"),
        ("n", True, "n"),
        ("best_of", True, "best_of"),
        ("logprobs", True, "logprobs"),
        ("prompt_logprobs", True, "prompt_logprobs"),
        ("prompt_logprobs", 258, "prompt_logprobs"),
        ("seed", True, "seed"),
        ("seed", 2**63, "seed"),
        ("seed", -1, "seed"),
        ("temperature", True, "temperature"),
        ("temperature", "0.5", "temperature"),
        ("top_p", True, "top_p"),
        ("top_k", True, "top_k"),
        ("top_k", 2**31, "top_k"),
        ("min_tokens", True, "min_tokens"),
        ("min_tokens", 3, "min_tokens"),
        ("stream", "true", "stream"),
        ("stream", 1, "stream"),
        ("echo", 1, "echo"),
        ("ignore_eos", "yes", "ignore_eos"),
        ("stream_options", {"include_usage": 1}, "stream_options.include_usage"),
        ("stop", [None], "stop[0]"),
        ("stop", ["a", 5], "stop[1]"),
        ("stop", 5, "stop"),
        ("stop_token_ids", [True], "stop_token_ids[0]"),
        ("stop_token_ids", [300], "stop_token_ids[0]"),
        ("bad_words", ["x", ""], "bad_words[1]"),
        ("bad_words", [" "], "bad_words[0]"),
        ("bad_words", ["x"] * 129, "bad_words"),
        ("structured_outputs", {"choice": []}, "structured_outputs.choice"),
        ("structured_outputs", {"grammar": "a"}, "structured_outputs.grammar"),
        ("prompt", [1, -1], "prompt[1]"),
        ("prompt", [1, 300], "prompt[1]"),
        ("prompt", [5279552648203111001], "prompt[0]"),
        ("prompt", [1.0, 2.0], "prompt[0]"),
        ("prompt", [True], "prompt[0]"),
        ("prompt", [None], "prompt[0]"),
        ("prompt", [[1], [2, 300]], "prompt[1][1]"),
        ("prompt", [[1], []], "prompt[1]"),
    ],
)
async def test_a_wrong_value_is_refused_where_it_is(
    laboratory: Laboratory,
    field: str,
    value: object,
    param: str,
) -> None:
    body: dict[str, Any] = {"prompt": "ab", "max_tokens": 2, field: value}

    assert await ask(laboratory, **body) == [400, "invalid_value", param]
    assert await in_thread(GenerationJob.objects.count) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("tool_choice", "required"),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}),
        ("functions", [{"name": "f"}]),
        ("function_call", {"name": "f"}),
        ("modalities", ["text", "audio"]),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("web_search_options", {}),
        ("reasoning_effort", "high"),
        ("verbosity", "low"),
        ("suffix", "x"),
        ("use_beam_search", True),
        ("guided_json", SCHEMA),
        ("guided_regex", "a+"),
        ("truncate_prompt_tokens", 5),
        ("include_stop_str_in_output", True),
        ("skip_special_tokens", False),
        ("logprob_token_ids", [5]),
        ("return_tokens_as_token_ids", True),
        ("max_completion_tokens", 1),
        ("top_logprobs", 1),
        ("messages", [{"role": "user", "content": "Hi"}]),
    ],
)
async def test_what_cannot_be_honoured_is_refused(
    laboratory: Laboratory,
    field: str,
    value: object,
) -> None:
    body: dict[str, Any] = {"prompt": "ab", "max_tokens": 2, field: value}

    assert await ask(laboratory, **body) == [400, "unsupported_parameter", field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", []),
        ("tools", None),
        ("tool_choice", "none"),
        ("functions", []),
        ("modalities", ["text"]),
        ("suffix", ""),
        ("use_beam_search", False),
        ("skip_special_tokens", True),
        ("response_format", {"type": "text"}),
        ("response_format", None),
    ],
)
async def test_what_says_the_same_as_nothing_is_no_fault(
    laboratory: Laboratory,
    field: str,
    value: Any,
) -> None:
    reply = await laboratory.ask(prompt="ab", max_tokens=2, **{field: value})

    assert reply["gatehouse"]["warnings"] == []


async def test_what_changes_no_answer_is_named_even_where_it_is_nested(
    laboratory: Laboratory,
) -> None:
    reply = await laboratory.ask(
        prompt="ab",
        max_tokens=2,
        user="somebody",
        metadata={"study": "pairs"},
        store=True,
        stream_options={"include_obfuscation": True},
        do_sample=True,
    )

    assert reply["gatehouse"]["warnings"] == [
        "user changes no answer and was ignored.",
        "metadata changes no answer and was ignored.",
        "store changes no answer and was ignored.",
        "do_sample is not a known field and was ignored.",
        "stream_options.include_obfuscation changes no answer and was ignored.",
    ]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/scores", {"context": "a", "continuations": ["b"], "add_special_tokens": 1},
         "add_special_tokens"),
        ("/v1/scores", {"context": [300], "continuations": ["b"]}, "context[0]"),
        ("/v1/scores", {"items": [{"context": "a", "continuations": ["b", [300]]}]},
         "items[0].continuations[1][0]"),
        ("/v1/scores", {"items": [{"context": "a", "continuations": ["b", ""]}]},
         "items[0].continuations[1]"),
        ("/v1/scores", {"items": [{"context": 5, "continuations": ["b"]}]}, "items[0].context"),
        ("/v1/scores", {"context": "", "continuations": ["b"], "prefix_token_id": 300},
         "prefix_token_id"),
        ("/v1/distributions", {"prompt": [1, 300]}, "prompt[1]"),
        ("/v1/distributions", {"prompt": "a", "positions": [True]}, "positions[0]"),
        ("/v1/distributions", {"prompt": "a", "tokens": [300]}, "tokens[0]"),
        ("/v1/distributions", {"prompt": "a", "tokens": [True]}, "tokens[0]"),
        ("/v1/distributions", {"prompt": "a", "tokens": ["b", "cd"]}, "tokens[1]"),
        ("/v1/distributions", {"prompt": "a", "top": True}, "top"),
        ("/v1/tokenize", {"prompt": "a", "add_special_tokens": 1}, "add_special_tokens"),
        ("/v1/detokenize", {"tokens": [True]}, "tokens[0]"),
        ("/v1/detokenize", {"tokens": [300]}, "tokens[0]"),
    ],
)  # fmt: skip
async def test_the_other_bodies_take_nothing_for_something_else(
    laboratory: Laboratory,
    path: str,
    body: dict[str, Any],
    param: str,
) -> None:
    assert await ask(laboratory, path, **body) == [400, "invalid_value", param]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input_file_id": "file-1", "endpoint": "/v1/completions", "completion_window": "24h",
          "output_expires_after": {"anchor": "created_at", "seconds": 3600}},
         "output_expires_after"),
        ({"input_file_id": 1, "endpoint": "/v1/completions", "completion_window": "24h"},
         "input_file_id"),
        ({"input_file_id": "file-1", "endpoint": "/v1/completions", "completion_window": "24h",
          "metadata": {"a": 1}}, "metadata.a"),
    ],
)  # fmt: skip
async def test_a_batch_takes_nothing_quietly(
    laboratory: Laboratory,
    body: dict[str, Any],
    param: str,
) -> None:
    response = await laboratory.client.ask("/v1/batches", json=body)

    error = response.json()["error"]
    assert [response.status_code, error["code"], error["param"]] == [400, "invalid_value", param]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"max_tokens": ' + b"9" * 5000 + b"}", [400, "invalid_value", "max_tokens"]),
        (b'{"seed": ' + b"9" * 5000 + b"}", [400, "invalid_value", "seed"]),
    ],
)
async def test_a_number_that_is_too_long_is_named(
    laboratory: Laboratory,
    body: bytes,
    expected: list[Any],
) -> None:
    head = json.dumps({"model": laboratory.model.slug, "prompt": "a"})[:-1].encode()
    response = await laboratory.client.post(
        "/v1/completions", head + b", " + body[1:], content_type="application/json"
    )

    error = response.json()["error"]
    assert [response.status_code, error["code"], error["param"]] == expected


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/files", "/v1/nope"])
async def test_a_compressed_body_is_told_so(
    laboratory: Laboratory,
    path: str,
) -> None:
    response = await laboratory.client.post(
        path,
        gzip.compress(json.dumps({"model": laboratory.model.slug, "prompt": "a"}).encode()),
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )

    assert response.status_code == 415
    assert response.json()["error"] == {
        "message": "The body is compressed (gzip), which is not supported. Send it as it is, "
        "without Content-Encoding.",
        "type": "invalid_request_error",
        "param": "Content-Encoding",
        "code": "unsupported_media_type",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/v1", 404),
        ("get", "/v1/", 404),
        ("get", "/v1/nope", 404),
        ("get", "/v1/nope/", 404),
        ("post", "/v1/responses", 404),
        ("post", "/v1/embeddings", 404),
        ("post", "/v1/uploads", 404),
        ("get", "/v1/models/", 404),
        ("post", "/v1/completions/", 404),
        ("get", "/v1/completions", 405),
        ("put", "/v1/models", 405),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*"])
async def test_every_address_under_v1_speaks_as_the_api(
    laboratory: Laboratory,
    method: str,
    path: str,
    status: int,
    accept: str,
) -> None:
    response = await getattr(laboratory.client, method)(path, headers={"Accept": accept})

    words = {
        404: f"There is no {method.upper()} {path}. See /docs/api/.",
        405: f"{path} does not accept {method.upper()}. See /docs/api/.",
    }
    codes = {404: "not_found", 405: "method_not_allowed"}
    assert (response.status_code, response.json()) == (
        status,
        {
            "error": {
                "message": words[status],
                "type": "invalid_request_error",
                "param": None,
                "code": codes[status],
            }
        },
    )


async def test_an_engine_that_gives_fewer_is_named(laboratory: Laboratory) -> None:
    """Its heartbeat says 20."""
    for field in ("logprobs", "prompt_logprobs"):
        body: dict[str, Any] = {"prompt": "ab", "max_tokens": 2, field: 21}
        assert await ask(laboratory, **body) == [400, "invalid_value", field]


def test_the_laboratorys_vocabulary_ends_at_257() -> None:
    """The cases above use 300 as the id of a token that does not exist."""
    assert max(ids_of("".join(map(chr, range(0x20, 0x7F))))) < 257
