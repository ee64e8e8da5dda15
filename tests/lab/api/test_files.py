"""Files over the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from pytest_django import Settings

from portal.gate.access.enums import KeyScope
from portal.lab.batches.domain.allowance import require_room
from portal.lab.batches.domain.files import store_upload, write_file
from portal.lab.batches.enums import FilePurpose
from portal.lab.batches.models import FileChunk, StoredFile
from portal.platform.core.database import in_database
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.batch_lines import write_jsonl, write_request
from tests.factories.jobs import make_researcher
from tests.lab.api.client import ApiClient, client_of

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
    content: Any = await client.get(f"{path}/content")
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
    answer: Any = await client.get(f"/v1/files/{made['id']}/content")
    assert b"".join([piece async for piece in answer]) == content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"{}\n\n[1]\n", "Line 3 is not a JSON object."),
        (b'{"a": NaN}', "Line 1 is not valid JSON: it has NaN, which JSON does not allow."),
        (b"{}\n\xff", "Line 2 is not valid JSON: it is not UTF-8."),
        (b'{}\n{"a": 1', "Line 2 is not valid JSON: Expecting ',' delimiter."),
        (b"[" * 100_000, "Line 1 is not valid JSON: Expecting value."),
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
    other = await in_database(lambda: client_of(make_researcher()[0]))
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
    client = await in_database(lambda: client_of(UserFactory.create(), scopes=[KeyScope.READ]))
    for path in ("/v1/files", "/v1/batches"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "key_scope")


async def test_what_one_person_keeps_has_a_count_and_a_way_out(
    client: ApiClient, settings: Settings
) -> None:
    settings.FILES_PER_USER = 2
    first, second = [(await upload(client, CONTENT)).json()["id"] for _ in range(2)]
    answer = await upload(client, CONTENT)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, "false")
    assert answer.json() == {
        "error": {
            "message": "You have 2 files; the limit is 2. "
            "Delete some (DELETE /v1/files/{id}), then upload this one again.",
            "type": "insufficient_quota",
            "param": "file",
            "code": "files_full",
        }
    }
    await client.delete(f"/v1/files/{first}")
    third = (await upload(client, CONTENT)).json()["id"]
    kept = (await client.get("/v1/files")).json()["data"]
    assert [file["id"] for file in kept] == [third, second]


async def test_what_one_person_keeps_has_a_total_that_others_do_not_share(
    client: ApiClient, settings: Settings
) -> None:
    settings.FILE_MB_PER_USER = 1
    content = write_jsonl(*(write_request(f"{n}", model="m" * 900) for n in range(500)))
    assert 500_000 < len(content) < 1_000_000
    other = await in_database(lambda: client_of(make_researcher()[0]))
    await upload(client, content)
    answer = await upload(client, content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "files_full")
    assert answer.json()["error"]["message"] == (
        f"Your files have {len(content):,} bytes and this one has {len(content):,}; "
        "the limit for all is 1,000,000. "
        "Delete some (DELETE /v1/files/{id}), then upload this one again."
    )
    assert (await upload(client, write_jsonl(write_request("a", model="m")))).status_code == 200
    assert (await upload(other, content)).status_code == 200


def test_results_take_room_and_are_always_kept(settings: Settings) -> None:
    settings.FILES_PER_USER = 1
    user = UserFactory.create()
    for _ in range(2):
        with transaction.atomic():
            write_file(user, [CONTENT], name="output.jsonl", purpose=FilePurpose.BATCH_OUTPUT)
    with pytest.raises(DomainError) as refused:
        store_upload(user, upload=BytesIO(CONTENT), size=len(CONTENT), name="more.jsonl")
    assert refused.value.code == "files_full"


def test_two_uploads_at_once_do_not_share_the_last_place(settings: Settings) -> None:
    """The second is sent, on its own connection, while the first is still being written."""
    settings.FILES_PER_USER = 1
    user = UserFactory.create()

    def upload_too() -> str:
        try:
            store_upload(user, upload=BytesIO(CONTENT), size=len(CONTENT), name="b.jsonl")
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "kept"

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            require_room(user, size=len(CONTENT))
            second = thread.submit(upload_too)
            while not (second.done() or somebody_waits_for_a_lock()):
                pass
            write_file(user, [CONTENT], name="a.jsonl", purpose=FilePurpose.BATCH)
        assert second.result(timeout=10) == "files_full"
    assert StoredFile.objects.filter(user=user).count() == 1


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": "' + b"x" * 100 + b'"}', "Line 2 has 109 bytes; the limit for a request is 64."),
        (
            b'{"a": [' + b"[]," * 100_000 + b"[]]}",
            "Line 2 has 100,003 opening brackets and braces; at most 100,000 are read. Split it.",
        ),
    ],
)
async def test_a_line_is_no_larger_than_a_request(
    client: ApiClient, settings: Settings, line: bytes, message: str
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 64 if len(line) < 1000 else len(line)
    response = await upload(client, b"{}\n" + line)

    assert (response.status_code, response.json()["error"]["message"]) == (400, message)
