"""Counts tokens while a person types."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.lab.jobs.domain.admission import context_length
from portal.lab.jobs.domain.tokens import count_tokens, find_beginning
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.playground.presentation import list_usable
from portal.lab.playground.sign_in import sign_in_required
from portal.lab.quota.domain.ledger import find_quota
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.http import refuse_as_json
from portal.platform.core.refusals import RefusalCode


@require_POST
@sign_in_required
def count(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The prompt's tokens for a model that is open to the person, its engine, and their quota."""
    model = (
        list_usable(request.user)
        .filter(slug=request.POST.get("model", "").replace("\0", ""))
        .first()
    )
    if model is None:
        return refuse_as_json(RefusalCode.MODEL_NOT_FOUND, "This model is not open to you.")
    prompt = request.POST.get("prompt", "").replace("\r\n", "\n")
    special = not request.POST.get("add_special_tokens")
    tokens = count_tokens(prompt, deployment=model.deployment, add_special_tokens=special)
    engine = engine_status(model.deployment)
    quota = find_quota(request.user, model=model, at=timezone.now())
    return JsonResponse(
        {
            "tokens": tokens.tokens,
            "is_exact": tokens.is_exact,
            "beginning": find_beginning(model.deployment),
            "context": context_length(model, engine),
            "engine": {"state": engine.readiness, "message": engine.sentence},
            "quota": {"tokens": quota.tokens, "left": quota.left},
        }
    )
