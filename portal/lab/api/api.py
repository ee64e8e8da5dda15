"""The API: one object that holds all routes."""

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
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.request_bodies import limit_of, too_large
from portal.platform.core.wire import describe_invalid

log = structlog.get_logger(__name__)

DESCRIPTION = """
Text completions, log-probabilities and whole distributions of the released models. Requests of
OpenAI's clients to `/v1/completions` work unchanged; extensions are described with each field.

An unsupported field of OpenAI's or vLLM's API that would change the answer is refused by name.
Completions and chats ignore unknown fields, and fields that change no answer, such as `user`;
`gatehouse.warnings` names them. With the header `Gatehouse-Strict: true`, unknown fields are
refused. All other bodies refuse them. Types are not converted: `true` is not a number.
Responses may gain fields: ignore those that you do not know.
"""


class DocumentedApi(NinjaAPI):
    """Adds examples, refusals and headers, which ninja cannot know, to the OpenAPI document."""

    _document: OpenAPISchema | None = None

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Built once, since it takes a second and changes only with the code. Do not modify it."""
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
for routes in (models, completions, chat, scores, tokens, jobs, files, batches, usage, decisions):
    api.add_router("/", routes.router)


@api.exception_handler(DomainError)
def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:  # noqa: ARG001
    return answer_error(error)


@api.exception_handler(ValidationError)
def refuse_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    """Remove what ninja puts before a value's place: its source and, for a body, the argument."""
    found = [
        {**each, "loc": each["loc"][2 if each["loc"][0] == "body" else 1 :]}
        for each in error.errors
    ]
    return answer_error(describe_invalid(found))


@api.exception_handler(HttpError)
def refuse_body(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    """Refuse a body before its fields are read: it is not JSON, or cannot be stored."""
    if isinstance(error.__cause__, DomainError):
        return answer_error(error.__cause__)
    return answer_error(invalid_value("The body is not valid JSON."))


@api.exception_handler(RequestDataTooBig)
def refuse_size(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:  # noqa: ARG001
    return answer_error(too_large(limit_of(request.path_info)))


@api.exception_handler(Exception)
def apologise(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    """Log an unexpected error, and return a short message to the client."""
    log.error("api_failed", exc_info=error)
    return answer_error(
        DomainError(
            RefusalCode.SERVER_ERROR, "Something broke on our side. It has been logged; try again."
        )
    )
