"""The API: one object that all routes hang on."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from portal.lab.api.auth import KeyAuth
from portal.lab.api.bodies import StorableParser
from portal.lab.api.document.document import complete_document
from portal.lab.api.errors import answer_error
from portal.lab.api.routes import (
    batches,
    chat,
    completions,
    decisions,
    files,
    jobs,
    models,
    scores,
    tokens,
    usage,
)
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.request_bodies import limit_of, too_large
from portal.platform.core.wire import describe_invalid

log = structlog.get_logger(__name__)

DESCRIPTION = """
Text completions, log-probabilities and whole distributions of the released models. What OpenAI's
clients send to `/v1/completions` works unchanged; what goes beyond it is described with each field.

A field of OpenAI's or vLLM's that would change the answer and is not supported is refused by name.
Fields that change no answer, such as `user`, and unknown ones are ignored in completions and chats,
and `gatehouse.warnings` names them; with the header `Gatehouse-Strict: true` unknown ones are
refused. Every other body refuses them. Nothing is taken for something else: `true` is no number.
Answers may gain fields: ignore those that you do not know.
"""


class DocumentedApi(NinjaAPI):
    """Describes itself with examples, refusals and headers, which ninja cannot know of."""

    _document: OpenAPISchema | None = None

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Made once, since it takes a second and changes only with the code; do not write to it."""
        if self._document is None:
            document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
            complete_document(document)
            self._document = document
        return self._document


api = DocumentedApi(
    title="Gatehouse API",
    version="1",
    description=DESCRIPTION,
    auth=KeyAuth(),
    parser=StorableParser(),
    urls_namespace="api",
    docs_url=None,
    openapi_url="/openapi.json",
)
api.add_router("/", models.router)
api.add_router("/", completions.router)
api.add_router("/", chat.router)
api.add_router("/", scores.router)
api.add_router("/", tokens.router)
api.add_router("/", jobs.router)
api.add_router("/", files.router)
api.add_router("/", batches.router)
api.add_router("/", usage.router)
api.add_router("/", decisions.router)


@api.exception_handler(DomainError)
def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:  # noqa: ARG001
    return answer_error(error)


@api.exception_handler(ValidationError)
def refuse_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    """Ninja puts a value's source before its place, and before a body's the argument's name."""
    found = [
        {**each, "loc": each["loc"][2 if each["loc"][0] == "body" else 1 :]}
        for each in error.errors
    ]
    return answer_error(describe_invalid(found))


@api.exception_handler(HttpError)
def refuse_body(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    """What is wrong before fields are looked at: a body that is no JSON, or cannot be kept."""
    if isinstance(error.__cause__, DomainError):
        return answer_error(error.__cause__)
    return answer_error(DomainError(RefusalCode.INVALID_VALUE, "The body is not valid JSON."))


@api.exception_handler(RequestDataTooBig)
def refuse_size(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:  # noqa: ARG001
    return answer_error(too_large(limit_of(request.path_info)))


@api.exception_handler(Exception)
def apologise(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    """A fault of ours: the log has it, the client gets a sentence."""
    log.error("api_failed", exc_info=error)
    return answer_error(
        DomainError(
            RefusalCode.SERVER_ERROR, "Something broke on our side. It has been logged; try again."
        )
    )
