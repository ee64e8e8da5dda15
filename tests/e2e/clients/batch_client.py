"""A batch by the `openai` package, from file to results, printed as JSON."""

from __future__ import annotations

import io
import json
import sys
import time
from typing import Any

import openai

BASE, KEY, MODEL = sys.argv[1:4]
SECONDS = 180


def main() -> None:
    client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY)
    requests = [
        request("greedy", prompt="The capital of France is", max_tokens=6, temperature=0),
        request("scored", prompt="One, two,", max_tokens=6, temperature=0, logprobs=1),
        request("too long", prompt="One, two,", max_tokens=100_000),
    ]
    content = "\n".join(map(json.dumps, requests)).encode()
    file = client.files.create(file=("in.jsonl", io.BytesIO(content)), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/completions", completion_window="24h"
    )
    give_up_at = time.monotonic() + SECONDS
    while batch.status not in {"completed", "failed", "expired", "cancelled"}:
        assert time.monotonic() < give_up_at, batch
        time.sleep(0.3)
        batch = client.batches.retrieve(batch.id)
    assert batch.request_counts is not None
    seen = {
        "status": batch.status,
        "counts": batch.request_counts.to_dict(),
        "results": read(client, batch.output_file_id),
        "errors": read(client, batch.error_file_id),
        "listed": batch.id in [each.id for each in client.batches.list()],
    }
    client.files.delete(file.id)
    seen["is_file_gone"] = file.id not in [each.id for each in client.files.list()]
    json.dump(seen, sys.stdout)


def request(name: str, **body: Any) -> dict[str, Any]:
    return {
        "custom_id": name,
        "method": "POST",
        "url": "/v1/completions",
        "body": {"model": MODEL, **body},
    }


def read(client: openai.OpenAI, file_id: str | None) -> dict[str, Any]:
    """Texts or error codes by the requests' `custom_id`."""
    if file_id is None:
        return {}
    lines = map(json.loads, client.files.content(file_id).text.splitlines())
    return {line["custom_id"]: _read_line(line) for line in lines}


def _read_line(line: dict[str, Any]) -> Any:
    body = (line["response"] or {}).get("body", {})
    if "choices" in body:
        return body["choices"][0]["text"]
    return (body.get("error") or line["error"])["code"]


main()
