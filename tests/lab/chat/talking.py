"""A model with a chat template, and talking to it."""

from __future__ import annotations

import json
from typing import Any

from inference_workers.contract import ChatTemplate, chat_template_key
from portal.lab.jobs.models import GenerationJob
from tests.lab.api.conftest import Laboratory
from tests.lab.playground.sse import in_thread

PATH = "/v1/chat/completions"
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
HI_PROMPT = "^<user>Hi$<assistant>"
"""What the template makes of it: 21 bytes, which are 21 tokens."""


def teach(laboratory: Laboratory, template: str = TEMPLATE) -> None:
    """Publish the template as the model's workers do."""
    made = ChatTemplate(template=template, bos_token="^", eos_token="$")
    laboratory.valkey.set(chat_template_key(laboratory.model.deployment), made.model_dump_json())


async def talk(laboratory: Laboratory, **body: Any) -> Any:
    """The response to the conversation, `HI` unless told otherwise; the worker answers it."""
    async with laboratory.working():
        return await laboratory.client.ask(
            PATH, json={"model": laboratory.model.slug, "messages": HI, **body}
        )


async def prompt_of(laboratory: Laboratory, *messages: dict[str, Any]) -> str:
    """What the model is given for a conversation."""
    await talk(laboratory, messages=list(messages), max_tokens=1)
    return (await in_thread(GenerationJob.objects.latest, "created_at")).prompt


async def read_pieces(laboratory: Laboratory, **body: Any) -> list[Any]:
    """The pieces of a streamed answer; DONE as it is."""
    async with laboratory.working():
        response = await laboratory.client.ask(
            PATH, json={"model": laboratory.model.slug, "messages": HI, "stream": True, **body}
        )
        content = b"".join([piece async for piece in response.streaming_content])
    data = [line[6:] for line in content.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) if line != "[DONE]" else line for line in data]


async def refusal(laboratory: Laboratory, **body: Any) -> list[Any]:
    """Status, code and param."""
    response = await talk(laboratory, **body)
    error = response.json()["error"]
    return [response.status_code, error["code"], error["param"]]
