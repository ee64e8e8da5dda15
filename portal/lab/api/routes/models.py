"""The models."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from portal.gate.access.enums import KeyScope
from portal.lab.api.auth import KeyAuth, Right, require
from portal.lab.api.schemas import ModelList, ModelObject
from portal.lab.completions.domain.models import describe_model, find_model, list_open_models
from portal.platform.core.database import in_database

router = Router(tags=["Models"], auth=KeyAuth(Right.NONE))


@router.get("/models", response=ModelList, summary="List the models that are open to the key")
async def list_models(request: HttpRequest) -> dict[str, Any]:
    key = require(request, KeyScope.READ)
    return {"object": "list", "data": await in_database(lambda: list_open_models(key))}


@router.get("/models/{path:model_id}", response=ModelObject, summary="Describe one model")
async def get_model(request: HttpRequest, model_id: str) -> dict[str, Any]:
    key = require(request, KeyScope.READ)
    return await in_database(lambda: describe_model(find_model(model_id, key=key), name=model_id))
