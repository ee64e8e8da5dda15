"""Lines of a batch's input file; does not need Django, like a client of the API."""

from __future__ import annotations

import json
from typing import Any


def write_request(custom_id: str, *, model: str, **body: Any) -> dict[str, Any]:
    """One line of an input file, as an object."""
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/completions",
        "body": {"model": model, "prompt": f"Say {custom_id}", "max_tokens": 4, **body},
    }


def write_jsonl(*requests: object) -> bytes:
    return b"".join(json.dumps(request).encode() + b"\n" for request in requests)
