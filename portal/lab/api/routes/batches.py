"""Batches of requests."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from portal.gate.access.enums import KeyScope
from portal.lab.api.auth import KeyAuth, Right, require
from portal.lab.api.schemas import BatchList, BatchObject, answers
from portal.lab.batches.domain.creation import cancel_batch as stop_batch
from portal.lab.batches.domain.creation import create_batch as accept_batch
from portal.lab.batches.domain.creation import find_batch
from portal.lab.batches.domain.listing import describe_batch
from portal.lab.batches.domain.listing import list_batches as list_own_batches
from portal.lab.batches.wire import BatchRequest
from portal.platform.core.database import in_database

router = Router(tags=["Files and batches"], auth=KeyAuth(Right.NONE))


@router.post(
    "/batches", response=answers(BatchObject), summary="Run a file of requests", auth=KeyAuth()
)
async def create_batch(request: HttpRequest, body: BatchRequest) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)
    return await in_database(lambda: describe_batch(accept_batch(key, body)))


@router.get("/batches", response=answers(BatchList), summary="List your batches")
async def list_batches(
    request: HttpRequest, after: str | None = None, limit: Annotated[int, Field(ge=1, le=100)] = 20
) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)
    return await in_database(lambda: list_own_batches(key.user, after=after, limit=limit))


@router.get(
    "/batches/{batch_id}", response=answers(BatchObject), summary="Get a batch and its progress"
)
async def get_batch(request: HttpRequest, batch_id: str) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)
    return await in_database(lambda: describe_batch(find_batch(key.user, batch_id)))


@router.post(
    "/batches/{batch_id}/cancel",
    response=answers(BatchObject),
    summary="Stop a batch and keep what is finished",
)
async def cancel_batch(request: HttpRequest, batch_id: str) -> dict[str, Any]:
    key = require(request, KeyScope.BATCHES)

    def stop() -> dict[str, Any]:
        return describe_batch(stop_batch(find_batch(key.user, batch_id), actor=key.user))

    return await in_database(stop)
