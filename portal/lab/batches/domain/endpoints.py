"""The endpoints of batch requests, by path: how to plan a request and how to answer it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from inference_workers.contract import Provenance
from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.lab.completions.domain.assemble import Answer, assemble
from portal.lab.completions.domain.bounds import count_width
from portal.lab.completions.domain.compiling import with_compiled_here
from portal.lab.completions.domain.plan import plan_completion
from portal.lab.completions.wire import CompletionRequest
from portal.lab.jobs.domain.admission import Run, count_prompt
from portal.lab.jobs.domain.calls import Submitted
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.results import LOGPROBS_IN_A_ROW
from portal.lab.jobs.domain.token_text import token_texts
from portal.platform.core.errors import invalid_value
from portal.platform.core.wire import describe_invalid

Request = TypeVar("Request", bound=BaseModel)
Body = Mapping[str, Any]


class Completions:
    """`/v1/completions`."""

    scope = KeyScope.COMPLETIONS
    """The scope that the key needs in addition to KeyScope.BATCHES."""

    def plan(self, body: Body, *, model: HostedModel) -> Sequence[Run]:
        """The runs of the request; raises `DomainError` naming the field."""
        request = validate(CompletionRequest, body)
        plan = with_compiled_here(lambda: plan_completion(request, deployment=model.deployment))
        for run in plan.runs:
            require_kept(run, deployment=model.deployment)
        return plan.runs

    def answer(
        self, body: Body, *, submitted: Submitted, completions: Sequence[Completion]
    ) -> dict[str, Any]:
        """The response that the request would have got. All completions are done."""
        request = validate(CompletionRequest, body)
        job = submitted.jobs[0]
        made_by = job.provenance
        answer = Answer(
            plan=plan_completion(without_structure(request), deployment=job.deployment),
            submitted=submitted,
            model_name=request.model,
            texts=token_texts(job.deployment),
            provenance=Provenance.model_validate(made_by) if made_by else None,
            return_token_ids=bool(request.return_token_ids),
            prompt_logprobs=request.prompt_logprobs is not None,
        )
        return assemble(answer, completions)


ENDPOINTS: Final[Mapping[str, Completions]] = {"/v1/completions": Completions()}


def find_endpoint(path: str) -> Completions:
    """The endpoint; raises `DomainError` on the field `endpoint`, naming the known endpoints."""
    endpoint = ENDPOINTS.get(path)
    if endpoint is None:
        raise invalid_value(
            f"A batch cannot use the endpoint {path[:100]!r}. It can use: {', '.join(ENDPOINTS)}.",
            field="endpoint",
        )
    return endpoint


def validate(schema: type[Request], body: Body) -> Request:
    """The body as an instance of the schema; raises `DomainError` naming the first wrong field."""
    try:
        return schema.model_validate(dict(body))
    except ValidationError as error:
        raise describe_invalid(error.errors(include_url=False)) from None


def without_structure(request: CompletionRequest) -> CompletionRequest:
    """The request without its structure, which no longer matters after its runs."""
    return request.model_copy(update={"structured_outputs": None, "response_format": None})


def require_kept(run: Run, *, deployment: str) -> None:
    """Refuse log-probabilities of a prompt that are too many to store in the run's row."""
    width = run.sampling.prompt_logprobs
    if width is None:
        return
    tokens = count_prompt(run, deployment=deployment).tokens
    numbers = tokens * count_width(width, deployment=deployment)
    if numbers > LOGPROBS_IN_A_ROW:
        raise invalid_value(
            f"The prompt would have {numbers:,} log-probabilities; the limit in a batch is "
            f"{LOGPROBS_IN_A_ROW:,}. Ask for fewer for each token, shorten the prompt, or send "
            "the request outside a batch.",
            field="prompt_logprobs",
        )
