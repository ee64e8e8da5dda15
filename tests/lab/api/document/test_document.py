"""The OpenAPI document is true: its examples fit its schemas, and can be sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from portal.lab.api.api import api
from portal.lab.api.document.document import operations_of
from portal.lab.api.document.errors import DECIDING, MEANINGS, codes_by_status, statuses_of
from portal.lab.api.document.examples import EXAMPLES
from tests.lab.api.client import ApiClient
from tests.lab.api.conftest import Laboratory

DOCUMENT: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
NEEDING_MORE = {"create_batch", "create_chat_completion", *DECIDING}
"""A file, a model with a template, a waiting application."""
SENT = sorted(
    name for name, example in EXAMPLES.items() if example.request and name not in NEEDING_MORE
)
OPERATIONS = {operation["operationId"]: operation for _, _, operation in operations_of(DOCUMENT)}
PLACES = {
    operation["operationId"]: (method, path) for path, method, operation in operations_of(DOCUMENT)
}


def faults_of(value: object, schema: dict[str, Any]) -> list[str]:
    whole = {**schema, "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def resolve(response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in response:
        return response
    found: dict[str, Any] = DOCUMENT["components"]["responses"][response["$ref"].split("/")[-1]]
    return found


def media_types() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, operation in OPERATIONS.items():
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            found.append((f"{name} {kind}", media))
        for status, response in operation["responses"].items():
            for kind, media in resolve(response).get("content", {}).items():
                found.append((f"{name} {status} {kind}", media))
    return found


def test_every_operation_has_an_example_and_no_example_is_left_over() -> None:
    assert set(EXAMPLES) == set(OPERATIONS)


def test_every_example_fits_its_schema() -> None:
    faults = [
        f"{name}: {fault}"
        for name, media in media_types()
        if "example" in media
        for fault in faults_of(media["example"], media["schema"])
    ]

    assert faults == []


def test_every_json_body_and_answer_has_an_example() -> None:
    without = [
        name
        for name, media in media_types()
        if name.endswith("application/json") and "example" not in media
    ]

    assert without == []


def test_every_parameter_of_an_address_has_an_example() -> None:
    without = [
        f"{name}: {parameter['name']}"
        for name, operation in OPERATIONS.items()
        for parameter in operation["parameters"]
        if parameter["in"] == "path" and "example" not in parameter
    ]

    assert without == []


def test_every_status_of_a_refusal_is_described() -> None:
    assert set(codes_by_status()) == set(MEANINGS)


def test_refusals_are_those_that_happen() -> None:
    assert statuses_of("get_usage", has_body=False) == [400, 401, 403, 405, 500]
    assert statuses_of("create_completion", has_body=True) == sorted(set(MEANINGS) - {409})


async def test_the_document_is_open_to_all(transactional_db: None) -> None:
    response = await ApiClient().get("/v1/openapi.json")

    assert response.status_code == 200
    assert response.json() == DOCUMENT


@pytest.mark.parametrize("name", SENT)
async def test_the_example_works_as_it_stands(laboratory: Laboratory, name: str) -> None:
    """With the test's model and tokens instead of the demo's."""
    example = EXAMPLES[name]
    _, path = PLACES[name]
    body = {**example.request}
    if "model" in body:
        body["model"] = laboratory.model.slug
    if "tokens" in body:
        body["tokens"] = [1, 2]

    async with laboratory.working():
        response = await laboratory.client.ask(
            path.replace("{engine}", laboratory.model.slug), json=body
        )

    assert response.status_code == 200
    content = OPERATIONS[name]["responses"]["200"]["content"]["application/json"]
    assert faults_of(response.json(), content["schema"]) == []


async def test_the_engines_address_refuses_as_the_other_does(laboratory: Laboratory) -> None:
    path = f"/v1/engines/{laboratory.model.slug}/completions"
    response = await laboratory.client.ask(path, json={"prompt": "a", "max_tokens": -1})

    assert (response.status_code, response.json()["error"]["param"]) == (400, "max_tokens")


async def test_a_body_that_is_too_large_is_refused_as_such(laboratory: Laboratory) -> None:
    body = {"model": laboratory.model.slug, "prompt": "a" * 8_400_000}
    response = await laboratory.client.ask("/v1/completions", json=body)

    assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")
