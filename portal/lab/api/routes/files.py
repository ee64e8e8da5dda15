"""Files of requests and results."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any, Literal

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import Router
from pydantic import Field

from portal.gate.access.enums import KeyScope
from portal.gate.keys.models import ApiKey
from portal.lab.api.auth import KeyAuth, Right, require
from portal.lab.api.schemas import REFUSALS, ErrorBody, FileDeleted, FileList, FileObject, answers
from portal.lab.batches.domain.files import (
    check_upload,
    describe_file,
    erase_file,
    find_file,
    read_chunk,
    store_upload,
)
from portal.lab.batches.domain.listing import list_files as list_own_files
from portal.lab.batches.enums import FilePurpose
from portal.lab.batches.models import StoredFile
from portal.platform.core.database import in_database
from portal.platform.core.errors import invalid_value
from portal.platform.core.turns import in_turn

router = Router(tags=["Files and batches"], auth=KeyAuth(Right.NONE))
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "JSON lines: custom_id, method, url and body of each "
                            "request.",
                        },
                        "purpose": {
                            "type": "string",
                            "enum": [FilePurpose.BATCH.value],
                            "description": "What the file is for.",
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "/files",
    response=answers(FileObject) | {413: ErrorBody},
    summary="Upload the requests of a batch",
    openapi_extra=FORM,
    auth=KeyAuth(),
)
async def create_file(request: HttpRequest) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)
    # Outside a database thread: a large form would hold its connection for long.
    upload = await in_turn(key.user_id, lambda: _read_form(request))
    return await in_database(lambda: describe_file(_store(upload, key)))


@router.get("/files", response=answers(FileList), summary="List your files")
async def list_files(
    request: HttpRequest,
    after: str | None = None,
    limit: Annotated[int, Field(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
    purpose: str | None = None,
) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)
    return await in_database(
        lambda: list_own_files(
            key.user, after=after, limit=limit, purpose=purpose, is_ascending=order == "asc"
        )
    )


@router.get("/files/{file_id}", response=answers(FileObject), summary="Describe a file")
async def get_file(request: HttpRequest, file_id: str) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)
    return await in_database(lambda: describe_file(find_file(key.user, file_id)))


@router.get("/files/{file_id}/content", response=REFUSALS, summary="Read a file")
async def read_file(request: HttpRequest, file_id: str) -> HttpResponseBase:
    key = require(request, KeyScope.BATCHES)
    file = await in_database(lambda: find_file(key.user, file_id))
    return StreamingHttpResponse(
        _pieces(file),
        content_type="application/jsonl; charset=utf-8",
        headers={
            "Content-Length": str(file.size),
            "Content-Disposition": 'attachment; filename="content.jsonl"',
        },
    )


@router.delete("/files/{file_id}", response=answers(FileDeleted), summary="Erase a file")
async def delete_file(request: HttpRequest, file_id: str) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)
    await in_database(lambda: erase_file(find_file(key.user, file_id), actor=key.user))
    return {"id": file_id, "object": "file", "deleted": True}


def _read_form(request: HttpRequest) -> UploadedFile:
    """Called in a turn: Django parses the form on first access, and it may have many lines."""
    try:
        purpose, upload = request.POST.get("purpose"), request.FILES.get("file")
    except (MultiPartParserError, SuspiciousOperation):
        raise invalid_value("The form could not be read.") from None
    unknown = sorted({*request.POST, *request.FILES} - {"purpose", "file"})
    if unknown:
        raise invalid_value(f"{unknown[0]} is not a known field.", field=unknown[0])
    if not isinstance(upload, UploadedFile):
        raise invalid_value("Send the file as multipart/form-data, field file.", field="file")
    if purpose != FilePurpose.BATCH:
        raise invalid_value("purpose must be batch.", field="purpose")
    check_upload(upload.open("rb"), size=upload.size or 0)
    return upload


def _store(upload: UploadedFile, key: ApiKey) -> StoredFile:
    with upload.open("rb") as content:
        return store_upload(key.user, upload=content, size=upload.size or 0, name=upload.name or "")


async def _pieces(file: StoredFile) -> AsyncIterator[bytes]:
    number = 0
    while (piece := await in_database(partial(read_chunk, file, number))) is not None:
        yield piece
        number += 1
