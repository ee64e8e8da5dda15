"""A request as code: for the shell, and for OpenAI's client."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any, Final

UPLOAD: Final = "create_file"
BINARY: Final = "read_file"
CLIENT_CALLS: Final[Mapping[str, str]] = {
    "list_models": "client.models.list()",
    "get_model": "client.models.retrieve({model_id!r})",
    "create_completion": "client.completions.create(",
    "create_chat_completion": "client.chat.completions.create(",
    "create_file": 'client.files.create(file=open("requests.jsonl", "rb"), purpose="batch")',
    "list_files": "client.files.list(limit={limit})",
    "get_file": "client.files.retrieve({file_id!r})",
    "read_file": "client.files.content({file_id!r}).text",
    "delete_file": "client.files.delete({file_id!r})",
    "create_batch": "client.batches.create(",
    "list_batches": "client.batches.list(limit={limit})",
    "get_batch": "client.batches.retrieve({batch_id!r})",
    "cancel_batch": "client.batches.cancel({batch_id!r})",
}
"""Operations with a method in `openai`; the others use its `get`, `post` and `delete`."""


@dataclass(frozen=True)
class ExampleCall:
    """An operation with an example's values."""

    operation_id: str
    method: str
    path: str
    """The part after `/v1`, filled in and with its query."""
    parameters: Mapping[str, Any]
    body: Mapping[str, Any] | None


def write_curl(asked: ExampleCall, *, base_url: str) -> str:
    """One command; it reads the key from the environment."""
    lines = [f"curl {shlex.quote(base_url + asked.path)}"]
    if asked.method == "delete":
        lines[0] += " -X DELETE"
    elif asked.method == "post" and asked.body is None and asked.operation_id != UPLOAD:
        lines[0] += " -X POST"
    lines.append('-H "Authorization: Bearer $OPENAI_API_KEY"')
    if asked.operation_id == UPLOAD:
        lines += ["-F purpose=batch", "-F file=@requests.jsonl"]
    if asked.body is not None:
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d {shlex.quote(json.dumps(asked.body, indent=2, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


def write_python(asked: ExampleCall, *, base_url: str) -> str:
    """A whole program for the `openai` package, which reads OPENAI_API_KEY itself."""
    call = CLIENT_CALLS.get(asked.operation_id)
    if call is None:
        expression = _write_raw(asked)
    elif call.endswith("("):
        expression = call + _write_arguments(asked.body or {}) + ")"
    else:
        expression = call.format(**asked.parameters)
    return (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(base_url={json.dumps(base_url)})\n"
        f"answer = {expression}\n"
        "print(answer)"
    )


def _write_raw(asked: ExampleCall) -> str:
    cast = "str" if asked.path.endswith((".csv", "/events")) else "object"
    body = ""
    if asked.body is not None:
        written = pformat(dict(asked.body), sort_dicts=False, width=84).replace("\n", "\n    ")
        body = f"    body={written},\n"
    return f"client.{asked.method}(\n    {json.dumps(asked.path)},\n    cast_to={cast},\n{body})"


def _write_arguments(values: Mapping[str, Any]) -> str:
    lines = (f"    {name}={value!r},\n" for name, value in values.items())
    return "\n" + "".join(lines)
