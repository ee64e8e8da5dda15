"""The API: one object that all routes hang on."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from portal.api.auth import KeyAuth
from portal.api.errors import answer_error, describe_invalid
from portal.api.routes import chat, completions, jobs, models, scores, tokens
from portal.core.errors import DomainError

log = structlog.get_logger(__name__)

DESCRIPTION = """
Text completions, log-probabilities and whole distributions of the released models. What OpenAI's
clients send to `/v1/completions` works unchanged; what goes beyond it is described with each field.
"""

api = NinjaAPI(
    title="Gatehouse API",
    version="1",
    description=DESCRIPTION,
    auth=KeyAuth(),
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


@api.exception_handler(DomainError)
def refuse(request: HttpRequest, error: DomainError) -> HttpResponse:  # noqa: ARG001
    return answer_error(error)


@api.exception_handler(ValidationError)
def refuse_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    return answer_error(describe_invalid(error.errors))


@api.exception_handler(HttpError)
def refuse_body(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    """What ninja finds wrong before it looks at fields: a body that is no JSON."""
    return answer_error(DomainError("invalid_value", "The body is not valid JSON."))


@api.exception_handler(Exception)
def apologise(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    """A fault of ours: the log has it, the client gets a sentence."""
    log.error("api_failed", exc_info=error)
    return answer_error(
        DomainError("server_error", "Something broke on our side. It has been logged; try again.")
    )
