"""Texts to token ids and back, as the model sees them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from ninja import Router

from portal.api.auth import KeyAuth, Right
from portal.api.calls import open_model, read_asking
from portal.api.schemas import REFUSALS, Detokenized, Tokenized
from portal.catalog.models import HostedModel
from portal.core.database import in_database
from portal.jobs.domain.admission import context_length
from portal.jobs.domain.token_text import token_texts
from portal.jobs.domain.tokens import find_vocabulary, parse_token_ids
from portal.jobs.domain.workers import engine_status
from portal.keys.enums import KeyScope
from portal.scoring.domain.tokens import require_tokenizer
from portal.scoring.wire import DetokenizeRequest, TokenizeRequest

router = Router(tags=["Tokens"])


@router.post(
    "/tokenize",
    response={HTTPStatus.OK: Tokenized, **REFUSALS},
    summary="The token ids of a text",
    auth=KeyAuth(Right.MODEL),
)
async def tokenize(request: HttpRequest, body: TokenizeRequest) -> dict[str, Any]:
    model = await _open(request, body.model, endpoint="/v1/tokenize")
    ids = (
        require_tokenizer(model).encode(body.prompt, add_special_tokens=body.add_special_tokens).ids
    )
    texts = token_texts(model.deployment)
    return {
        "count": len(ids),
        "max_model_len": context_length(model, engine_status(model.deployment)),
        "tokens": ids,
        "token_strs": [texts.text_of(token) for token in ids] if body.return_token_strs else None,
    }


@router.post(
    "/detokenize",
    response={HTTPStatus.OK: Detokenized, **REFUSALS},
    summary="The text of token ids",
    auth=KeyAuth(Right.MODEL),
)
async def detokenize(request: HttpRequest, body: DetokenizeRequest) -> dict[str, Any]:
    model = await _open(request, body.model, endpoint="/v1/detokenize")
    tokenizer = require_tokenizer(model)
    vocabulary = find_vocabulary(model.deployment) or tokenizer.get_vocab_size()
    ids = parse_token_ids(body.tokens, field="tokens", vocabulary=vocabulary)
    return {"prompt": tokenizer.decode(list(ids), skip_special_tokens=False)}


async def _open(request: HttpRequest, name: str, *, endpoint: str) -> HostedModel:
    asking = read_asking(request, endpoint=endpoint)
    return await in_database(lambda: open_model(asking, name, scope=KeyScope.READ))
