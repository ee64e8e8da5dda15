"""Batches over the API."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.core.files.uploadedfile import SimpleUploadedFile

from portal.gate.catalog.models import HostedModel
from portal.lab.batches.domain.advance import advance_all
from portal.platform.accounts.models import User
from portal.platform.core.database import in_database
from tests.factories.accounts import UserFactory
from tests.factories.batch_lines import write_jsonl, write_request
from tests.factories.batches import answer_jobs
from tests.factories.jobs import beat, make_researcher
from tests.lab.api.client import ApiClient, client_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def researcher(valkey: redis.Redis) -> tuple[User, HostedModel]:
    beat(valkey)
    return make_researcher()


@pytest.fixture
def client(researcher: tuple[User, HostedModel]) -> ApiClient:
    return client_of(researcher[0])


@pytest.fixture
def model(researcher: tuple[User, HostedModel]) -> HostedModel:
    return researcher[1]


async def order(client: ApiClient, *requests: object, **changes: Any) -> Any:
    file = SimpleUploadedFile("in.jsonl", write_jsonl(*requests))
    made = await client.post("/v1/files", {"file": file, "purpose": "batch"})
    body = {
        "input_file_id": made.json()["id"],
        "endpoint": "/v1/completions",
        "completion_window": "24h",
        **changes,
    }
    return await client.ask("/v1/batches", json=body)


async def test_a_batch_says_how_far_it_is(
    client: ApiClient, model: HostedModel, valkey: redis.Redis
) -> None:
    rows = [write_request(f"row-{number}", model=model.slug) for number in range(2)]
    made = (await order(client, *rows, metadata={"run": "7"})).json()
    assert (made["object"], made["status"], made["metadata"]) == (
        "batch",
        "validating",
        {"run": "7"},
    )
    path = f"/v1/batches/{made['id']}"
    await in_database(advance_all)
    now = (await client.get(path)).json()
    assert (now["status"], now["model"]) == ("in_progress", model.slug)
    await in_database(lambda: answer_jobs(valkey, count=1))
    await in_database(advance_all)
    now = (await client.get(path)).json()
    assert now["request_counts"] == {"total": 2, "completed": 1, "failed": 0}
    await in_database(lambda: answer_jobs(valkey))
    await in_database(advance_all)
    now = (await client.get(path)).json()
    assert (now["status"], now["error_file_id"]) == ("completed", None)
    output = (await client.get(f"/v1/files/{now['output_file_id']}")).json()
    assert output["purpose"] == "batch_output"


async def test_a_file_that_is_no_batch_fails_with_its_lines(
    client: ApiClient, model: HostedModel
) -> None:
    good = write_request("a", model=model.slug)
    rows = [
        good,
        good,
        {**good, "custom_id": "b", "url": "/v1/chat/completions"},
        {**good, "custom_id": "c", "method": "GET"},
        {"custom_id": "d", "method": "POST", "url": "/v1/completions"},
        write_request("e", model="another"),
        write_request("f", model=model.slug, stream=True),
    ]
    made = (await order(client, *rows)).json()
    await in_database(advance_all)
    failed = (await client.get(f"/v1/batches/{made['id']}")).json()
    assert failed["status"] == "failed"
    assert [
        (error["line"], error["code"], error["param"]) for error in failed["errors"]["data"]
    ] == [
        (2, "duplicate_custom_id", "custom_id"),
        (3, "mismatched_endpoint", "url"),
        (4, "invalid_method", "method"),
        (5, "missing_required_parameter", "body"),
        (6, "mismatched_model", "body.model"),
        (7, "unsupported_parameter", "body.stream"),
    ]
    assert failed["request_counts"] == {"total": 0, "completed": 0, "failed": 0}


async def test_a_model_that_is_not_there_fails_the_batch(client: ApiClient) -> None:
    made = (await order(client, write_request("a", model="nothing"))).json()
    await in_database(advance_all)
    failed = (await client.get(f"/v1/batches/{made['id']}")).json()
    assert (failed["status"], failed["errors"]["data"][0]["code"]) == ("failed", "model_not_found")


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"endpoint": "/v1/nothing"}, 400, "endpoint"),
        ({"completion_window": "1h"}, 400, "completion_window"),
        ({"metadata": {"a": "b" * 513}}, 400, "metadata"),
        ({"metadata": {"a": "\0"}}, 400, "metadata"),
        ({"input_file_id": "file-0"}, 404, "input_file_id"),
    ],
)
async def test_what_cannot_be_is_refused_at_once(
    client: ApiClient, changes: dict[str, Any], status: int, param: str
) -> None:
    answer = await order(client, write_request("a", model="m"), **changes)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


async def test_a_file_in_use_cannot_be_erased(client: ApiClient, model: HostedModel) -> None:
    made = (await order(client, write_request("a", model=model.slug))).json()
    answer = await client.delete(f"/v1/files/{made['input_file_id']}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "file_in_use")
    await client.ask(f"/v1/batches/{made['id']}/cancel")
    await in_database(advance_all)
    answer = await client.delete(f"/v1/files/{made['input_file_id']}")
    assert answer.status_code == 200


async def test_a_batch_is_its_persons_alone(client: ApiClient, model: HostedModel) -> None:
    made = (await order(client, write_request("a", model=model.slug))).json()
    other = await in_database(lambda: client_of(UserFactory.create()))
    for answer in (
        await other.get(f"/v1/batches/{made['id']}"),
        await other.ask(f"/v1/batches/{made['id']}/cancel"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await other.get("/v1/batches")).json()["data"] == []


async def test_cancelling_twice_is_cancelling_once(client: ApiClient, model: HostedModel) -> None:
    made = (await order(client, write_request("a", model=model.slug))).json()
    path = f"/v1/batches/{made['id']}/cancel"
    assert [(await client.ask(path)).json()["status"] for _ in range(2)] == ["cancelling"] * 2
    await in_database(advance_all)
    assert (await client.ask(path)).json()["status"] == "cancelled"


async def test_batches_come_in_pages(client: ApiClient, model: HostedModel) -> None:
    row = write_request("a", model=model.slug)
    made = [(await order(client, row)).json()["id"] for _ in range(3)]
    page = (await client.get("/v1/batches?limit=2")).json()
    assert ([batch["id"] for batch in page["data"]], page["has_more"]) == (made[:0:-1], True)
    rest = (await client.get(f"/v1/batches?limit=2&after={page['last_id']}")).json()
    assert ([batch["id"] for batch in rest["data"]], rest["has_more"]) == (made[:1], False)
