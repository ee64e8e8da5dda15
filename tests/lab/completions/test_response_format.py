"""OpenAI's `response_format` becomes the engine's structured outputs."""

from __future__ import annotations

from typing import Any

import pytest

from inference_workers.contract import ChatTemplate, SamplingParams, Structure, chat_template_key
from portal.lab.batches.domain.endpoints import ENDPOINTS
from portal.lab.chat.wire import ChatRequest
from portal.lab.completions.domain.fields import HARMLESS, REFUSED
from portal.lab.completions.wire import CompletionRequest
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.errors import DomainError
from tests.lab.api.conftest import Laboratory
from tests.lab.playground.sse import in_thread

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
CLOSED = {**SCHEMA, "additionalProperties": False}
NAMED = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}
MESSAGES = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def chatting(laboratory: Laboratory) -> Laboratory:
    template = ChatTemplate(template="{{ messages[0].content }}")
    laboratory.valkey.set(
        chat_template_key(laboratory.model.deployment), template.model_dump_json()
    )
    return laboratory


@pytest.mark.parametrize(
    ("wanted", "schema"),
    [
        (NAMED, CLOSED),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "text"}, None),
        (None, None),
    ],
)
@pytest.mark.parametrize(
    ("path", "what"),
    [("/v1/completions", {"prompt": "Hi"}), ("/v1/chat/completions", {"messages": MESSAGES})],
)
async def test_the_run_has_the_structure(
    chatting: Laboratory, path: str, what: dict[str, Any], wanted: object, schema: object
) -> None:
    reply = await chatting.ask(path, **what, max_tokens=2, response_format=wanted)

    job = await in_thread(GenerationJob.objects.get)
    structure = SamplingParams.model_validate(job.params).structure
    assert (structure and structure.json_schema) == schema
    assert reply["gatehouse"]["warnings"] == []


async def test_properties_keep_their_order(laboratory: Laboratory) -> None:
    properties = {name: {"type": "integer"} for name in ("zebra", "at", "long_name", "b")}
    schema = {"type": "object", "properties": properties}

    await laboratory.ask(
        "/v1/completions", prompt="Hi", max_tokens=2, structured_outputs={"json": schema}
    )

    job = await in_thread(GenerationJob.objects.get)
    structure = SamplingParams.model_validate(job.params).structure
    assert structure is not None
    assert structure.json_schema is not None
    assert list(structure.json_schema["properties"]) == list(properties)


def test_so_it_is_in_batches(chatting: Laboratory) -> None:
    body = {"model": chatting.model.slug, "prompt": "Hi", "max_tokens": 2}
    endpoint = ENDPOINTS["/v1/completions"]

    (run,) = endpoint.plan({**body, "response_format": NAMED}, model=chatting.model)
    with pytest.raises(DomainError) as refused:
        endpoint.plan({**body, "functions": [{"name": "f"}]}, model=chatting.model)

    assert run.sampling.structure == Structure(json_schema=CLOSED)
    assert (refused.value.code, refused.value.field) == ("unsupported_parameter", "functions")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
         "response_format.json_schema.schema"),
        ({"response_format": {**NAMED, "type": "json_object"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_object", "schema": SCHEMA}}, "response_format.schema"),
        ({"response_format": {"type": "structural_tag"}}, "response_format.type"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": NAMED, "structured_outputs": {"regex": "a"}}, "response_format"),
    ],
)  # fmt: skip
async def test_half_a_format_is_refused(
    chatting: Laboratory, body: dict[str, Any], param: str
) -> None:
    response = await chatting.client.ask(
        "/v1/chat/completions",
        json={"model": chatting.model.slug, "messages": MESSAGES, "max_tokens": 2, **body},
    )

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "invalid_value", param)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"echo": True}, "echo"),
        ({"best_of": 2}, "best_of"),
        ({"prompt": "x"}, "prompt"),
        ({"add_special_tokens": True}, "add_special_tokens"),
        ({"suffix": "x"}, "suffix"),
        ({"messages": [*MESSAGES, {"role": "assistant", "content": "", "tool_calls": [{}]}]},
         "messages[1].tool_calls"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "messages[0].content[0].type"),
    ],
)  # fmt: skip
async def test_a_chat_honours_or_refuses(
    chatting: Laboratory, body: dict[str, Any], param: str
) -> None:
    response = await chatting.client.ask(
        "/v1/chat/completions",
        json={"model": chatting.model.slug, "messages": MESSAGES, "max_tokens": 2, **body},
    )

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (
        400,
        "unsupported_parameter",
        param,
    )


@pytest.mark.parametrize(
    ("messages", "param", "message"),
    [
        ([*MESSAGES, {"role": "user", "content": None}], "messages[1].content",
         "messages[1].content must be a string or a list."),
        ([{"role": "robot", "content": ""}], "messages[0].role",
         "messages[0].role must be 'system', 'developer', 'user' or 'assistant'."),
        ([], "messages", "messages needs at least 1."),
        ([{"role": "user", "content": [{"text": "a"}]}], "messages[0].content[0].type",
         "messages[0].content[0].type is missing."),
    ],
)  # fmt: skip
async def test_a_fault_is_named_by_its_place(
    chatting: Laboratory, messages: object, param: str, message: str
) -> None:
    response = await chatting.client.ask(
        "/v1/chat/completions",
        json={"model": chatting.model.slug, "messages": messages, "max_tokens": 2},
    )

    error = response.json()["error"]
    assert (response.status_code, error["param"], error["message"]) == (400, param, message)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"logprobs": True, "top_logprobs": 101}, ["invalid_value", "top_logprobs"]),
        ({"max_tokens": 4096}, ["context_length_exceeded", "max_tokens"]),
        ({"max_completion_tokens": 4096}, ["context_length_exceeded", "max_completion_tokens"]),
        ({"messages": [{"role": "user", "content": "a" * 3000}]},
         ["context_length_exceeded", "messages"]),
    ],
)  # fmt: skip
async def test_a_chat_is_refused_by_its_own_names(
    chatting: Laboratory, body: dict[str, Any], refusal: list[str]
) -> None:
    response = await chatting.client.ask(
        "/v1/chat/completions",
        json={"model": chatting.model.slug, "messages": MESSAGES, **body},
    )

    error = response.json()["error"]
    assert [error["code"], error["param"]] == refusal


async def test_what_a_chat_ignores_is_named_once(chatting: Laboratory) -> None:
    reply = await chatting.ask(
        "/v1/chat/completions",
        messages=[{**MESSAGES[0], "name": "Ada"}],
        max_tokens=2,
        user="somebody",
        stream_options={"include_obfuscation": False},
        tools=[],
        prompt=None,
    )

    assert reply["gatehouse"]["warnings"] == [
        "user changes no answer and was ignored.",
        "messages[0].name changes no answer and was ignored.",
        "stream_options.include_obfuscation changes no answer and was ignored.",
    ]


def test_no_field_stands_in_two_places() -> None:
    """Fields that only completions honour must not reach them through a chat."""
    completions, chats = set(CompletionRequest.model_fields), set(ChatRequest.model_fields)

    assert set(REFUSED) & HARMLESS == set()
    assert (completions & chats) & (set(REFUSED) | HARMLESS) == set()
    assert completions - chats <= set(REFUSED)
