"""Conversion of texts to token ids and back, as the model sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from portal.gate.access.enums import KeyScope
from portal.lab.api.auth import KeyAuth, Right
from portal.lab.api.calls import Caller, open_model, read_caller
from portal.lab.api.schemas import Detokenized, Tokenized, answers
from portal.lab.jobs.domain.admission import context_length
from portal.lab.jobs.domain.token_text import token_texts
from portal.lab.jobs.domain.tokens import decode_ids, encode_text, find_vocabulary, parse_token_ids
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.scoring.domain.tokens import require_tokenizer
from portal.lab.scoring.wire import DetokenizeRequest, TokenizeRequest
from portal.platform.core.database import in_database
from portal.platform.core.json_writing import write_json
from portal.platform.core.turns import in_turn

router = Router(tags=["Tokens"], auth=KeyAuth(Right.MODEL))


@router.post("/tokenize", response=answers(Tokenized), summary="Turn a text into token ids")
async def tokenize(request: HttpRequest, body: TokenizeRequest) -> HttpResponse:
    caller = read_caller(request, endpoint="/v1/tokenize")
    model = await in_database(lambda: open_model(caller, body.model, scope=KeyScope.READ))

    def work() -> dict[str, Any]:
        special = body.add_special_tokens
        ids = encode_text(require_tokenizer(model), body.prompt, add_special_tokens=special)
        texts = token_texts(model.deployment)
        strs = [texts.text_of(token) for token in ids] if body.return_token_strs else None
        return {
            "count": len(ids),
            "max_model_len": context_length(model, engine_status(model.deployment)),
            "tokens": ids,
            "token_strs": strs,
        }

    return await _answer(caller, work)


@router.post("/detokenize", response=answers(Detokenized), summary="Turn token ids into a text")
async def detokenize(request: HttpRequest, body: DetokenizeRequest) -> HttpResponse:
    caller = read_caller(request, endpoint="/v1/detokenize")
    model = await in_database(lambda: open_model(caller, body.model, scope=KeyScope.READ))

    def work() -> dict[str, Any]:
        tokenizer = require_tokenizer(model)
        vocabulary = find_vocabulary(model.deployment) or tokenizer.get_vocab_size()
        ids = parse_token_ids(body.tokens, field="tokens", vocabulary=vocabulary)
        return {"prompt": decode_ids(tokenizer, ids)}

    return await _answer(caller, work)


async def _answer(caller: Caller, work: Callable[[], dict[str, Any]]) -> HttpResponse:
    """Bypasses the schema and writes in the same turn: a response may have a million ids."""
    content = await in_turn(caller.key.user_id, lambda: write_json(work()))
    return HttpResponse(content, content_type="application/json")
