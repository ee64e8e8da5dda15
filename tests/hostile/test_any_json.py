"""Any JSON into any field of the API, and any text into its addresses, queries and headers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import RequestFactory

from portal.lab.api.api import api
from portal.lab.api.calls import read_caller
from portal.lab.api.document.examples import EXAMPLES
from portal.lab.jobs.models import Call
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory
from tests.factories.keys import ApiKeyFactory
from tests.hostile.test_any_text import DEEP, DIGITS, PATHS
from tests.lab.api.client import ApiClient, aclient_of
from tests.lab.api.conftest import Laboratory, _no_tokenizers_of_other_tests, laboratory
from tests.lab.playground.sse import in_thread

__all__ = ["_no_tokenizers_of_other_tests", "laboratory"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

NO_NUL = "has a NUL character (U+0000), which cannot be stored; remove it."
NO_HALF = "has half of a surrogate pair, which is not a character; remove it."
TOO_DEEP = "is nested more than 100 levels deep."


def nest(levels: int) -> str:
    return "[" * levels + "]" * levels


UNKEPT: Mapping[str, str] = {
    r'"a\u0000b"': NO_NUL,
    r'{"a\u0000b": 1}': NO_NUL,
    r'["\ud800"]': NO_HALF,
    r'"\udc00\ud800"': NO_HALF,
    "1e400": "has a number that is not finite.",
    "[-1e999]": "has a number that is not finite.",
    DIGITS: "has a number with too many digits.",
    nest(100): TOO_DEEP,
    nest(300): TOO_DEEP,
    DEEP: TOO_DEEP,
    nest(90_000): TOO_DEEP,
}
"""Values as JSON spells them, and the messages about a field with such a value."""
NO_JSON: Mapping[bytes, str] = {
    b'{"foo": NaN}': "it has NaN, which JSON does not allow.",
    b'{"foo": -Infinity}': "it has -Infinity, which JSON does not allow.",
    b'{"foo": "\xed\xa0\x80"}': "it is not UTF-8.",
    '{"foo": 1}'.encode("utf-16"): "it is not UTF-8.",
    b"[" * 90_000: "Expecting value.",
    b'{"foo": 1': "Expecting ',' delimiter.",
    b'{"foo": "\0"}': "Invalid control character at.",
}
WRONG: tuple[Any, ...] = (
    *(True, 0, -1, 1.5, 2**31, 2**63, 10**400, "", "\u0665", "x" * 5000, None),
    *([], {}, [[]], [None], [""], [-1], [2**63], {"": {}}, {"9" * 4300: 1}, {"type": []}),
)
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Idempotency-Key": ("\xe9", "\x7f", "x" * 256, DIGITS),
    "X-Stainless-Retry-Count": (DIGITS, "0" * 5000, "-1", "\xb2", "1e9"),
    "Gatehouse-Strict": ("\xe9", DIGITS, "True"),
    "Last-Event-ID": (DIGITS, f"{DIGITS}-{DIGITS}", "\xb2-\xb2"),
    "Authorization": ("Bearer", "Bearer \xe9", f"Bearer gh_{DIGITS}", "Basic \xff", DIGITS),
    "Content-Type": ("\xff", "application/json; charset=\xff", "multipart/form-data", DIGITS),
    "Accept": (DIGITS, "\xff"),
}


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Name, method, address and description of every operation of the API."""
    for path, methods in api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method, path, operation


def bodies() -> Iterator[tuple[str, str, list[str]]]:
    """Name, address and fields of every operation that takes JSON."""
    schemas = api.get_openapi_schema()["components"]["schemas"]
    for name, _, path, operation in operations():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            schema = content["application/json"]["schema"]
            schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
            yield name, path, sorted(schema["properties"])


async def find_client(laboratory: Laboratory, name: str) -> ApiClient:
    """A reviewer's key if the operation is for reviewers."""
    if "/decisions/" not in next(path for each, _, path, _ in operations() if each == name):
        return laboratory.client
    return await aclient_of(
        await in_thread(lambda: UserFactory.create(is_reviewer=True)), scopes=["decisions"]
    )


def fill(path: str, laboratory: Laboratory, **arguments: Any) -> str:
    known = {"engine": laboratory.model.slug, "case_number": "GH-2000-0001", "grant_id": 1}
    return path.format_map({**known, **arguments})


async def post_raw(client: ApiClient, address: str, raw: bytes) -> Any:
    return await client.generic("POST", address, raw, content_type="application/json")


def splice(example: Mapping[str, Any], field: str, spelt: str) -> bytes:
    """The example as JSON, with one value as it is spelt here."""
    others = {name: value for name, value in example.items() if name != field}
    head = json.dumps(others)[:-1] + (", " if others else "")
    return f"{head}{json.dumps(field)}: {spelt}}}".encode()


async def test_what_cannot_be_kept_is_refused_by_its_field(laboratory: Laboratory) -> None:
    found, expected = [], []
    for name, path, fields in bodies():
        client = await find_client(laboratory, name)
        example = {**EXAMPLES[name].request, "model": laboratory.model.slug}
        for place, (spelt, words) in enumerate(UNKEPT.items()):
            field = ["foo", *fields][place % (len(fields) + 1)]
            answer = await post_raw(client, fill(path, laboratory), splice(example, field, spelt))
            error = answer.json()["error"]
            found.append((name, field, answer.status_code, error["param"], error["message"]))
            expected.append((name, field, 400, field, f"{field} {words}"))
    assert found == expected
    assert await in_thread(Call.objects.count) == 0


async def test_a_name_that_cannot_be_kept_is_the_bodys_fault(laboratory: Laboratory) -> None:
    answer = await post_raw(laboratory.client, "/v1/completions", rb'{"a\u0000": 1}')
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, None)
    assert error["message"] == f"The body {NO_NUL}"


@pytest.mark.parametrize("raw", NO_JSON, ids=lambda raw: repr(raw[:16]))
async def test_what_is_not_json_is_said_to_be_not(laboratory: Laboratory, raw: bytes) -> None:
    for address in ("/v1/completions", "/v1/chat/completions", "/v1/batches"):
        answer = await post_raw(laboratory.client, address, raw)
        message = answer.json()["error"]["message"]
        assert (answer.status_code, message) == (400, f"The body is not valid JSON: {NO_JSON[raw]}")


async def test_no_value_of_another_kind_breaks_the_api(laboratory: Laboratory) -> None:
    faults = []
    async with laboratory.working():
        for name, path, fields in bodies():
            client = await find_client(laboratory, name)
            example = {**EXAMPLES[name].request, "model": laboratory.model.slug}
            for field in fields if name != "create_engine_completion" else ():
                for value in WRONG:
                    body = json.dumps({**example, field: value}).encode()
                    answer = await post_raw(client, fill(path, laboratory), body)
                    if answer.streaming:
                        _ = [piece async for piece in answer]
                    if answer.status_code >= 500:
                        faults.append((name, field, str(value)[:20], answer.status_code))
    assert faults == []


async def test_no_address_or_query_breaks_the_api(laboratory: Laboratory) -> None:
    job = await in_thread(lambda: GenerationJobFactory.create(user=laboratory.user, succeeded=True))
    faults: list[tuple[object, ...]] = []
    for name, method, path, operation in operations():
        client = await find_client(laboratory, name)
        given = operation.get("parameters", [])
        names = [each["name"] for each in given if each["in"] == "path"]
        for text in PATHS:
            for each in names:
                others = dict.fromkeys(names, "x") | {"job_id": job.pk, each: text}
                address = path.format_map(others)
                answer = await client.generic(method.upper(), address)
                if answer.status_code >= 500:
                    faults.append((method, address[:60], answer.status_code))
        query = [each["name"] for each in given if each["in"] == "query"]
        for text in ("\0", DIGITS, "\u0665", "-1", "9" * 19, DEEP, "9999-12-31"):
            if query:
                address = fill(path, laboratory, job_id=job.pk, model_id="x")
                asked = f"{address}?{urlencode(dict.fromkeys(query, text))}"
                answer = await client.get(asked)
                if answer.status_code >= 500:
                    faults.append((method, address, text[:10], answer.status_code))
    assert faults == []


async def test_no_header_breaks_the_api(laboratory: Laboratory) -> None:
    faults = []
    body = {"model": laboratory.model.slug, "prompt": "Hello", "max_tokens": 1}
    async with laboratory.working():
        for name, texts in HEADERS.items():
            for text in texts:
                answer = await laboratory.client.generic(
                    "POST", "/v1/completions", json.dumps(body), content_type="application/json",
                    headers={name: text},
                )  # fmt: skip
                if answer.status_code >= 500:
                    faults.append((name, text[:20], answer.status_code))
    assert faults == []


@pytest.mark.parametrize(
    ("count", "is_retry"),
    [
        ("1", True), ("007", True), (DIGITS, True),
        ("", False), ("0", False), ("0" * 5000, False), ("-1", False), ("\xb2", False),
    ],
)  # fmt: skip
def test_a_count_of_retries_is_a_number_however_long(count: str, is_retry: bool) -> None:
    request = RequestFactory().post("/v1/completions", headers={"X-Stainless-Retry-Count": count})
    request.auth = ApiKeyFactory.create()  # type: ignore[attr-defined]  # as ninja does
    assert read_caller(request, endpoint="/v1/completions").is_retry is is_retry


async def test_a_model_whose_name_has_a_quoted_nul_is_none(laboratory: Laboratory) -> None:
    answers = [
        await laboratory.client.get("/v1/models/a%2500b"),
        await laboratory.client.get("/v1/models/a%00b"),
        await laboratory.client.get("/v1/usage?x=%00"),
    ]
    told = [(answer.status_code, answer.json()["error"]["code"]) for answer in answers]
    assert told == [(404, "model_not_found"), (404, "not_found"), (400, "invalid_value")]
