"""The reference page shows the whole OpenAPI document, with code that can be run."""

from __future__ import annotations

import ast
import json
import re
import shlex
from urllib.parse import urljoin

import pytest
from django.test import Client

from portal.lab.api.api import api
from portal.lab.api.document.document import operations_of
from portal.lab.api.document.errors import DECIDING
from portal.lab.api.reference.fields import Field, read_fields
from portal.lab.api.reference.pages import Endpoint, read_groups
from tests.factories.catalog import HostedModelFactory

BASE = "https://gatehouse.example/v1"
START = "/docs/api/"


def endpoints(model: str = "other-model") -> dict[str, Endpoint]:
    groups = read_groups(api.get_openapi_schema(), base_url=BASE, model=model)
    return {endpoint.id: endpoint for group in groups for endpoint in group.endpoints}


def test_every_operation_is_shown_once() -> None:
    operations = [op["operationId"] for _, _, op in operations_of(api.get_openapi_schema())]

    assert sorted(endpoints()) == sorted(operations)


def test_examples_ask_for_a_model_that_is_served() -> None:
    shown = [endpoint.curl + endpoint.python for endpoint in endpoints().values()]

    assert [text for text in shown if "smollm2" in text] == []
    assert sum("other-model" in text for text in shown) == 9


@pytest.mark.parametrize("name", sorted(endpoints()))
def test_code_can_be_read_by_shell_and_python(name: str) -> None:
    endpoint = endpoints()[name]
    words = shlex.split(endpoint.curl)
    ast.parse(endpoint.python)

    assert words[0] == "curl"
    assert words[1].startswith(f"{BASE}/")
    if "-d" in words:
        assert "model" in words[words.index("-d") + 1] or name in {
            "create_engine_completion",
            "create_batch",
            *DECIDING,
        }
        json.loads(words[words.index("-d") + 1])


def test_every_field_is_described() -> None:
    silent = [
        f"{endpoint.id}: {field.name}"
        for endpoint in endpoints().values()
        for _, fields in endpoint.parameters
        for field in fields
        if not field.description
    ]

    assert silent == []


def test_a_schema_becomes_rows_with_bounds_and_inner_fields() -> None:
    inner = {
        "type": "object",
        "required": ["deep"],
        "properties": {"deep": {"type": "boolean", "default": True}},
    }
    schema = {
        "properties": {
            "size": {
                "anyOf": [{"type": "integer", "minimum": 1, "maximum": 2000}, {"type": "null"}],
                "description": "How many.",
            },
            "options": {"anyOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}]},
        }
    }

    assert list(read_fields(schema, {"schemas": {"Inner": inner}})) == [
        Field("size", "integer", False, "", "at least 1, at most 2,000", "How many."),
        Field("options", "object", False, "", "", ""),
        Field("options.deep", "boolean", True, "true", "", ""),
    ]


@pytest.mark.django_db
def test_every_link_between_the_pages_leads_somewhere(client: Client) -> None:
    HostedModelFactory.create(slug="served-here", status="live", deployment="d")
    groups = read_groups(api.get_openapi_schema(), base_url=BASE, model="served-here")
    addresses = [START, *(f"{START}{group.slug}/" for group in groups)]
    pages = {address: client.get(address).content.decode() for address in addresses}
    ids = {address: re.findall(r'\bid="([\w-]+)"', page) for address, page in pages.items()}
    links = {
        urljoin(address, link)
        for address, page in pages.items()
        for link in re.findall(r'href="([^"]*)"', page)
    }
    places = {address for address in links if address.startswith(START) and "#" in address}

    assert places - {f"{address}#{name}" for address in ids for name in ids[address]} == set()
    assert {address for address in links if address.startswith(START)} - places == set(addresses)
    for address, page in pages.items():
        assert len(ids[address]) == len(set(ids[address]))
        assert " style=" not in page
    assert "served-here" in pages[f"{START}completions/"]


@pytest.mark.django_db
def test_a_group_that_there_is_not_has_no_page(client: Client) -> None:
    assert client.get(f"{START}embeddings/").status_code == 404


@pytest.mark.django_db
def test_examples_follow_the_model_that_is_served(client: Client) -> None:
    model = HostedModelFactory.create(slug="model-one", status="live", deployment="d")
    first = client.get(f"{START}completions/").content.decode()
    model.slug = "model-two"
    model.save()
    second = client.get(f"{START}completions/").content.decode()

    assert first.replace("model-one", "model-two") == second


@pytest.mark.django_db
def test_the_document_is_made_once(client: Client) -> None:
    assert api.get_openapi_schema() is api.get_openapi_schema()
    assert client.get("/v1/openapi.json").json()["paths"].keys() == {
        path for path, _, _ in operations_of(api.get_openapi_schema())
    }
