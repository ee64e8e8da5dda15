"""What a batch's requests can ask for: by the endpoint's path, how to submit and how to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from inference_workers.contract import Provenance
from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.lab.completions.domain.assemble import Answer, assemble
from portal.lab.completions.domain.bounds import count_width
from portal.lab.completions.domain.compiling import with_compiled_here
from portal.lab.completions.domain.plan import plan_completion
from portal.lab.completions.wire import CompletionRequest
from portal.lab.jobs.domain.calls import Run, Submitted
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.results import LOGPROBS_IN_A_ROW
from portal.lab.jobs.domain.token_text import token_texts
from portal.lab.jobs.domain.tokens import count_tokens
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.wire import describe_invalid

Request = TypeVar("Request", bound=BaseModel)
Body = Mapping[str, Any]


class Endpoint(Protocol):
    """One kind of request."""

    scope: KeyScope
    """What the key needs beside KeyScope.BATCHES."""

    def plan(self, body: Body, *, model: HostedModel) -> Sequence[Run]:
        """The runs of the request; raises `DomainError` naming the field at fault."""

    def answer(
        self, body: Body, *, submitted: Submitted, completions: Sequence[Completion]
    ) -> dict[str, Any]:
        """What the request would have been answered with. All completions are done."""


class Completions:
    """`/v1/completions`."""

    scope = KeyScope.COMPLETIONS

    def plan(self, body: Body, *, model: HostedModel) -> Sequence[Run]:
        request = validate(CompletionRequest, body)
        plan = with_compiled_here(lambda: plan_completion(request, deployment=model.deployment))
        runs = plan.runs
        for run in runs:
            require_kept(run, deployment=model.deployment)
        return runs

    def answer(
        self, body: Body, *, submitted: Submitted, completions: Sequence[Completion]
    ) -> dict[str, Any]:
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


ENDPOINTS: Final[Mapping[str, Endpoint]] = {"/v1/completions": Completions()}


def find_endpoint(path: str) -> Endpoint:
    """Raises `DomainError` on the field `endpoint`, naming those there are."""
    endpoint = ENDPOINTS.get(path)
    if endpoint is None:
        raise DomainError(
            RefusalCode.INVALID_VALUE,
            f"A batch cannot ask {path[:100]!r}. It can ask: {', '.join(ENDPOINTS)}.",
            field="endpoint",
        )
    return endpoint


def validate(schema: type[Request], body: Body) -> Request:
    """The body as its schema; raises `DomainError` about the first field at fault."""
    try:
        return schema.model_validate(dict(body))
    except ValidationError as error:
        raise describe_invalid(error.errors(include_url=False)) from None


def without_structure(request: CompletionRequest) -> CompletionRequest:
    """For a request that was run: what its texts look like is settled."""
    return request.model_copy(update={"structured_outputs": None, "response_format": None})


def require_kept(run: Run, *, deployment: str) -> None:
    """Refuse log-probabilities of a prompt that would not outlive the run's stream."""
    width = run.sampling.prompt_logprobs
    if width is None:
        return
    tokens = len(run.prompt_token_ids) or (
        count_tokens(
            run.prompt,
            deployment=deployment,
            add_special_tokens=run.sampling.add_special_tokens,
        ).tokens
    )
    numbers = tokens * count_width(width, deployment=deployment)
    if numbers > LOGPROBS_IN_A_ROW:
        raise DomainError(
            RefusalCode.INVALID_VALUE,
            f"Log-probabilities of the prompt would be {numbers:,} numbers, and in a batch a "
            f"prompt may have {LOGPROBS_IN_A_ROW:,}. Ask for fewer beside each token, shorten the "
            "prompt, or send the request by itself.",
            field="prompt_logprobs",
        )
