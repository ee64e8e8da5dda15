"""What the `openai` package gets from the API, printed as JSON, in its own environment."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import openai

BASE, KEY, MODEL = sys.argv[1:4]
PROMPT = "The capital of France is"


def main() -> None:
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY)
    seen: dict[str, Any] = {
        "models": [model.id for model in client.models.list()],
        "model": client.models.retrieve(MODEL).id,
        "whole": whole(client),
        "streamed": streamed(client),
        "raw": raw(client),
        "chosen": chosen(client),
        "refused": refused(client),
        "unknown_key": unknown_key(),
        "chat": chat(client) if "--chat" in sys.argv else None,
        "async": asyncio.run(several()),
    }
    json.dump(seen, sys.stdout)


def whole(client: openai.OpenAI) -> dict[str, Any]:
    reply = client.completions.create(
        model=MODEL, prompt=[PROMPT, "One, two,"], max_tokens=6, temperature=0, logprobs=2
    )
    first = reply.choices[0]
    assert first.logprobs is not None
    assert reply.usage is not None
    return {
        "texts": [choice.text for choice in reply.choices],
        "indexes": [choice.index for choice in reply.choices],
        "reasons": [choice.finish_reason for choice in reply.choices],
        "tokens": first.logprobs.tokens,
        "widths": [len(top) for top in first.logprobs.top_logprobs or []],
        "usage": reply.usage.model_dump(include={"prompt_tokens", "completion_tokens"}),
        "request_id": bool(reply._request_id),
        "extras": sorted(reply.model_extra or {}),
    }


def streamed(client: openai.OpenAI) -> dict[str, Any]:
    pieces = list(
        client.completions.create(
            model=MODEL,
            prompt=PROMPT,
            max_tokens=6,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    usages = [piece.usage.completion_tokens for piece in pieces if piece.usage]
    choices = [choice for piece in pieces for choice in piece.choices]
    return {
        "text": "".join(choice.text for choice in choices),
        "reasons": [choice.finish_reason for choice in choices if choice.finish_reason],
        "usages": usages,
        "ids": len({piece.id for piece in pieces}),
    }


def raw(client: openai.OpenAI) -> dict[str, Any]:
    reply = client.completions.with_raw_response.create(
        model=MODEL, prompt=PROMPT, max_tokens=1, temperature=0
    )
    return {
        "status": reply.status_code,
        "headers": sorted(
            name for name in reply.headers if name.startswith(("x-ratelimit", "openai-", "x-req"))
        ),
        "text": reply.parse().choices[0].text,
    }


def chosen(client: openai.OpenAI) -> dict[str, Any]:
    reply = client.completions.create(
        model=MODEL,
        prompt=PROMPT,
        n=2,
        best_of=4,
        max_tokens=4,
        seed=7,
        logprobs=0,
        extra_body={"structured_outputs": {"regex": " (Paris|Rome)"}, "return_token_ids": True},
    )
    means = []
    for choice in reply.choices:
        assert choice.logprobs is not None
        values = [value for value in choice.logprobs.token_logprobs or [] if value is not None]
        means.append(sum(values) / len(values))
    return {
        "texts": [choice.text for choice in reply.choices],
        "is_ranked": means == sorted(means, reverse=True),
        "has_ids": all((choice.model_extra or {})["token_ids"] for choice in reply.choices),
    }


def refused(client: openai.OpenAI) -> dict[str, Any]:
    seen = {}
    for name, body in {
        "too_long": {"prompt": PROMPT, "max_tokens": 100_000},
        "suffix": {"prompt": PROMPT, "suffix": "x"},
        "empty": {"prompt": []},
    }.items():
        try:
            client.completions.create(model=MODEL, **body)  # type: ignore[call-overload]
        except openai.BadRequestError as error:
            seen[name] = [error.code, error.param, bool(error.request_id)]
    try:
        client.completions.create(model="no-such-model", prompt=PROMPT)
    except openai.NotFoundError as error:
        seen["model"] = [error.code, error.param, bool(error.request_id)]
    return seen


def unknown_key() -> list[Any]:
    try:
        openai.OpenAI(base_url=f"{BASE}/v1", api_key="gh_nothing").models.list()
    except openai.AuthenticationError as error:
        return [error.code, error.status_code]
    return []


def chat(client: openai.OpenAI) -> dict[str, Any]:
    messages: Any = [{"role": "user", "content": "Say hello."}]
    reply = client.chat.completions.create(
        model=MODEL, messages=messages, max_tokens=12, temperature=0, logprobs=True, top_logprobs=2
    )
    pieces = client.chat.completions.create(
        model=MODEL, messages=messages, max_tokens=12, temperature=0, stream=True
    )
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    first = reply.choices[0]
    assert first.logprobs is not None
    assert reply.usage is not None
    return {
        "role": first.message.role,
        "is_same_streamed": first.message.content == text,
        "has_text": bool(text),
        "logprobs": len(first.logprobs.content or []) == reply.usage.completion_tokens,
    }


async def several() -> list[str]:
    async with openai.AsyncOpenAI(base_url=f"{BASE}/v1", api_key=KEY) as client:
        replies = await asyncio.gather(
            *(
                client.completions.create(
                    model=MODEL, prompt=PROMPT, max_tokens=count, temperature=0
                )
                for count in range(1, 9)
            )
        )
    return [reply.choices[0].text for reply in replies]


main()
