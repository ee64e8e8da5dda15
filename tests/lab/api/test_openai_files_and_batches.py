"""The real `openai` client's files and batches with a whole running site."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types import Batch

from benchmarks.keys import issue_keys
from benchmarks.stack import DEPLOYMENT, Shape, Stack, running_stack
from tests.factories.batch_lines import write_jsonl, write_request
from tests.template import migrated_database

pytestmark = [pytest.mark.engine]
ENDS = {"completed", "failed", "expired", "cancelled"}
SECONDS = 120


@pytest.fixture(scope="module")
def stack(migrated: str) -> Iterator[Stack]:
    with (
        migrated_database("gatehouse_files", template=migrated) as url,
        running_stack(Shape(people=2, slots=8, rate=200.0), database_url=url) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def clients(stack: Stack) -> Iterator[list[OpenAI]]:
    """Of two people."""
    made = [OpenAI(api_key=key, base_url=f"{stack.url}/v1") for key in issue_keys(stack, 2)]
    yield made
    for client in made:
        client.close()


@pytest.fixture
def client(clients: list[OpenAI]) -> OpenAI:
    return clients[0]


def order(client: OpenAI, *requests: object) -> Batch:
    file = client.files.create(file=("in.jsonl", write_jsonl(*requests)), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/completions",
        completion_window="24h",
        metadata={"study": "counting"},
    )


def follow(
    client: OpenAI, batch: Batch, *, until: Callable[[Batch], bool] = lambda now: now.status in ENDS
) -> Batch:
    give_up_at = time.monotonic() + SECONDS
    while not until(batch):
        assert time.monotonic() < give_up_at, batch
        time.sleep(0.1)
        batch = client.batches.retrieve(batch.id)
    return batch


def read(client: OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def rows(count: int, **body: Any) -> list[dict[str, Any]]:
    return [write_request(f"row-{n}", model=DEPLOYMENT, **body) for n in range(count)]


def test_a_batch_from_upload_to_results(client: OpenAI) -> None:
    wrong = write_request("wrong", model=DEPLOYMENT, top_p=7)
    batch = order(client, *rows(20, logprobs=1), wrong)
    assert (batch.object, batch.metadata) == ("batch", {"study": "counting"})

    batch = follow(client, batch)
    assert (batch.status, batch.errors) == ("completed", None)
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 21, "completed": 20, "failed": 1}
    assert batch.completed_at is not None
    lines = read(client, batch.output_file_id)
    assert [line["custom_id"] for line in lines] == [f"row-{number}" for number in range(20)]
    bodies = [openai.types.Completion.model_validate(line["response"]["body"]) for line in lines]
    assert {body.choices[0].finish_reason for body in bodies} == {"length"}
    assert {body.usage.completion_tokens for body in bodies if body.usage} == {4}
    [refused] = read(client, batch.error_file_id)
    error = refused["response"]["body"]["error"]
    assert (refused["custom_id"], error["param"], error["code"]) == (
        "wrong",
        "top_p",
        "invalid_value",
    )


def test_a_cancelled_batch_keeps_its_finished_rows(client: OpenAI) -> None:
    batch = order(client, *rows(400, max_tokens=60))
    batch = follow(
        client,
        batch,
        until=lambda now: bool(now.request_counts and now.request_counts.completed),
    )
    assert client.batches.cancel(batch.id).status in {"cancelling", "cancelled"}
    batch = follow(client, batch)

    assert batch.status == "cancelled"
    finished = read(client, batch.output_file_id)
    dropped = read(client, batch.error_file_id)
    assert len(finished) + len(dropped) == 400
    assert {line["response"]["status_code"] for line in finished} == {200}
    assert {line["error"]["code"] for line in dropped} == {"batch_cancelled"}
    assert batch.request_counts is not None
    assert batch.request_counts.completed == len(finished)


def test_a_file_that_is_no_batch_fails_with_its_lines(client: OpenAI) -> None:
    [good] = rows(1)
    batch = follow(client, order(client, good, good, {"custom_id": "b"}))
    assert batch.status == "failed"
    assert batch.errors is not None
    assert [(error.line, error.code) for error in batch.errors.data or []] == [
        (2, "duplicate_custom_id"),
        (3, "missing_required_parameter"),
    ]


def test_a_file_that_is_no_json_is_refused_at_once(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=("in.jsonl", b'{"a": 1}\noops\n'), purpose="batch")
    assert refused.value.param == "file"


def test_files_are_listed_page_by_page_and_erased(clients: list[OpenAI]) -> None:
    client = clients[1]
    made = [
        client.files.create(file=(f"{number}.jsonl", b"{}\n"), purpose="batch").id
        for number in range(5)
    ]
    assert [file.id for file in client.files.list(limit=2)] == made[::-1]
    assert client.files.retrieve(made[0]).filename == "0.jsonl"
    assert client.files.delete(made[0]).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(made[0])
    with pytest.raises(openai.NotFoundError):
        clients[0].files.retrieve(made[1])
    assert [file.id for file in client.files.list()] == made[:0:-1]


def test_batches_are_listed_page_by_page(clients: list[OpenAI]) -> None:
    client = clients[1]
    made = [order(client, *rows(1)) for _ in range(3)]
    assert [batch.id for batch in client.batches.list(limit=2)] == [
        batch.id for batch in reversed(made)
    ]
    assert {follow(client, batch).status for batch in made} == {"completed"}
