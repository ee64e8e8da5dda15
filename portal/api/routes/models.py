"""Which models there are."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from portal.api.auth import KeyAuth, Right, require
from portal.api.schemas import ModelList, ModelObject
from portal.completions.domain.models import describe_model, find_model, list_open_models
from portal.core.database import in_database
from portal.keys.enums import KeyScope

router = Router(tags=["Models"])


@router.get(
    "/models",
    response=ModelList,
    summary="List the models that are open to the key",
    auth=KeyAuth(Right.NONE),
)
async def list_models(request: HttpRequest) -> dict[str, Any]:
    key = require(request, KeyScope.READ)
    return {"object": "list", "data": await in_database(lambda: list_open_models(key))}


@router.get(
    "/models/{path:model_id}",
    response=ModelObject,
    summary="Describe one model",
    auth=KeyAuth(Right.NONE),
)
async def get_model(request: HttpRequest, model_id: str) -> dict[str, Any]:
    key = require(request, KeyScope.READ)
    return await in_database(lambda: describe_model(find_model(model_id, key=key), name=model_id))
