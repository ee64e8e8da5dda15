"""The OpenAPI document as data for the reference pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from portal.lab.api.document.document import operations_of
from portal.lab.api.document.errors import MEANINGS, codes_by_status
from portal.lab.api.document.example import MODEL
from portal.lab.api.document.examples import EXAMPLES
from portal.lab.api.reference.fields import Field, read_field, read_fields
from portal.lab.api.reference.snippets import ExampleCall, write_curl, write_python


@dataclass(frozen=True)
class Answer:
    """One content type of a successful response; the example is empty if there is none."""

    content_type: str
    example: str


@dataclass(frozen=True)
class Refusal:
    """A status, its meaning, and its codes."""

    status: int
    meaning: str
    codes: Sequence[str]


@dataclass(frozen=True)
class Endpoint:
    """One operation of the API."""

    id: str
    method: str
    path: str
    summary: str
    parameters: Sequence[tuple[str, Sequence[Field]]]
    """Tables by heading; no table is empty."""
    curl: str
    python: str
    answers: Sequence[Answer]
    statuses: Sequence[int]


@dataclass(frozen=True)
class Group:
    """Operations about one thing."""

    name: str
    slug: str
    endpoints: Sequence[Endpoint]


PLACES = (("path", "In the address"), ("query", "In the query"), ("header", "Headers"))


def read_groups(document: Mapping[str, Any], *, base_url: str, model: str) -> list[Group]:
    """Every operation, grouped by its tag; the examples name `model`, a model that is served."""
    text = json.dumps(document).replace(json.dumps(MODEL), json.dumps(model))
    own = json.loads(text)
    found = [
        (operation["tags"][0], _read(own, path, method, operation, base_url=base_url, model=model))
        for path, method, operation in operations_of(own)
    ]
    return [
        Group(name, name.lower().replace(" ", "-"), [endpoint for _, endpoint in endpoints])
        for name, endpoints in groupby(found, key=lambda pair: pair[0])
    ]


def read_refusals() -> list[Refusal]:
    """The statuses that a refusal can have."""
    codes = codes_by_status()
    return [
        Refusal(status, meaning, sorted(codes[status] or [code]))
        for status, (code, meaning, _) in MEANINGS.items()
    ]


def _read(
    document: Mapping[str, Any],
    path: str,
    method: str,
    operation: Mapping[str, Any],
    *,
    base_url: str,
    model: str,
) -> Endpoint:
    asked = _ask(path, method, operation, model=model)
    return Endpoint(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        parameters=list(_read_parameters(operation, document["components"])),
        curl=write_curl(asked, base_url=base_url),
        python=write_python(asked, base_url=base_url),
        answers=[
            Answer(kind, _show(media.get("example", "")))
            for kind, media in operation["responses"]["200"]["content"].items()
        ],
        statuses=[int(status) for status in operation["responses"] if status != "200"],
    )


def _ask(path: str, method: str, operation: Mapping[str, Any], *, model: str) -> ExampleCall:
    example = EXAMPLES[operation["operationId"]]
    values = {
        name: model if value == MODEL else value
        for name, value in (example.parameters or {}).items()
    }
    query = {name: value for name, value in values.items() if f"{{{name}}}" not in path}
    filled = path.removeprefix("/v1").format(**values)
    content = operation.get("requestBody", {}).get("content", {})
    return ExampleCall(
        operation_id=operation["operationId"],
        method=method,
        path=f"{filled}?{urlencode(query)}" if query else filled,
        parameters=values,
        body=content.get("application/json", {}).get("example"),
    )


def _read_parameters(
    operation: Mapping[str, Any], components: Mapping[str, Any]
) -> Sequence[tuple[str, Sequence[Field]]]:
    tables: list[tuple[str, Sequence[Field]]] = []
    for place, heading in PLACES:
        fields = [
            read_field(
                each["name"],
                {"description": each.get("description", ""), **each["schema"]},
                components,
                is_required=each.get("required", False),
            )
            for each in operation["parameters"]
            if each["in"] == place
        ]
        tables.append((heading, fields))
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        heading = "Form" if kind.startswith("multipart/") else "JSON body"
        tables.append((heading, list(read_fields(media["schema"], components))))
    return [table for table in tables if table[1]]


def _show(example: object) -> str:
    if isinstance(example, str):
        return example.rstrip("\n")
    return json.dumps(example, indent=2, ensure_ascii=False)
