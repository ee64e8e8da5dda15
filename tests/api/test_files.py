"""Files over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from portal.batches.models import FileChunk
from portal.core.database import in_database
from portal.keys.enums import KeyScope
from tests.api.client import ApiClient, client_of
from tests.factories.accounts import UserFactory
from tests.factories.batch_lines import write_jsonl, write_request
from tests.factories.jobs import make_researcher

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = write_jsonl(write_request("a", model="m"), write_request("b", model="m"))


@pytest.fixture
def client() -> ApiClient:
    return client_of(make_researcher()[0])


async def upload(client: ApiClient, content: bytes, *, purpose: str = "batch") -> Any:
    file = SimpleUploadedFile("requests.jsonl", content)
    return await client.post("/v1/files", {"file": file, "purpose": purpose})


async def test_what_was_uploaded_can_be_read_and_erased(client: ApiClient) -> None:
    made = (await upload(client, CONTENT)).json()
    assert (made["object"], made["bytes"], made["filename"], made["purpose"], made["status"]) == (
        "file",
        len(CONTENT),
        "requests.jsonl",
        "batch",
        "processed",
    )
    path = f"/v1/files/{made['id']}"
    assert (await client.get(path)).json() == made
    content = await client.get(f"{path}/content")
    assert b"".join([piece async for piece in content]) == CONTENT
    assert (await client.delete(path)).json() == {
        "id": made["id"],
        "object": "file",
        "deleted": True,
    }
    assert (await client.get(f"{path}/content")).status_code == 404
    assert await in_database(FileChunk.objects.count) == 0


async def test_a_large_file_is_kept_in_pieces(client: ApiClient) -> None:
    content = write_jsonl(*(write_request(f"{n}", model="m" * 900) for n in range(3000)))
    made = (await upload(client, content)).json()
    assert await in_database(FileChunk.objects.count) == len(content) // (1 << 20) + 1
    answer = await client.get(f"/v1/files/{made['id']}/content")
    assert b"".join([piece async for piece in answer]) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"{}\n\n[1]\n", "Line 3 is not a JSON object."),
        (b'{"a": NaN}', "Line 1 is not valid JSON: it holds something JSON does not have."),
        (b"{}\n\xff", "Line 2 is not UTF-8."),
        (b'{}\n{"a": 1', "Line 2 is not valid JSON: Expecting ',' delimiter."),
        (b"[" * 100_000, "Line 1 is not valid JSON: it holds something JSON does not have."),
    ],
)
async def test_a_file_that_is_no_json_lines_is_refused_with_its_line(
    client: ApiClient, content: bytes, message: str
) -> None:
    answer = await upload(client, content)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["message"]) == (400, "file", message)


async def test_limits_are_named(client: ApiClient, settings: Settings) -> None:
    settings.BATCH_ROWS = 1
    assert (await upload(client, CONTENT)).status_code == 400
    settings.BATCH_FILE_MB = 0
    answer = await upload(client, CONTENT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


async def test_a_form_without_file_or_with_another_purpose_is_refused(client: ApiClient) -> None:
    answer = await client.post("/v1/files", {"purpose": "batch"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    answer = await upload(client, CONTENT, purpose="fine-tune")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "purpose")
    form = {"purpose": "batch", "expires_after[seconds]": "3600"}
    answer = await client.post("/v1/files", form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "expires_after[seconds]")


async def test_another_persons_file_is_not_there(client: ApiClient) -> None:
    made = (await upload(client, CONTENT)).json()
    other = await in_database(lambda: client_of(UserFactory()))
    path = f"/v1/files/{made['id']}"
    for answer in (
        await other.get(path),
        await other.get(f"{path}/content"),
        await other.delete(path),
        await client.get("/v1/files/file-nonsense"),
        await client.get("/v1/files/nonsense"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await other.get("/v1/files")).json()["data"] == []


async def test_files_come_in_pages(client: ApiClient) -> None:
    made = [(await upload(client, CONTENT)).json()["id"] for _ in range(3)]
    page = (await client.get("/v1/files?limit=2")).json()
    assert ([file["id"] for file in page["data"]], page["has_more"]) == (made[:0:-1], True)
    rest = (await client.get(f"/v1/files?limit=2&after={page['last_id']}")).json()
    assert ([file["id"] for file in rest["data"]], rest["has_more"]) == (made[:1], False)
    upwards = (await client.get("/v1/files?order=asc")).json()
    assert [file["id"] for file in upwards["data"]] == made


async def test_a_key_without_the_scope_is_refused() -> None:
    client = await in_database(lambda: client_of(UserFactory(), scopes=[KeyScope.READ]))
    for path in ("/v1/files", "/v1/batches"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "key_scope")
