"""Conversations with models that have a template; each answer is a run."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.gate.catalog.models import HostedModel
from portal.lab.chat.domain.templates import find_template
from portal.lab.jobs.domain.admission import context_length
from portal.lab.jobs.domain.submission import submit_job
from portal.lab.jobs.domain.tokens import count_tokens
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.answer import answer_stream
from portal.lab.jobs.stream.frames import frame_accepted
from portal.lab.playground.chat_form import ChatForm
from portal.lab.playground.conversation import (
    Role,
    Turn,
    edit_turns,
    read_turns,
    render_turns,
    require_written,
)
from portal.lab.playground.own_runs import find_named_run
from portal.lab.playground.presentation import Models, list_choices, list_usable
from portal.lab.playground.presets import list_options
from portal.lab.playground.refusals import describe_refusal
from portal.lab.playground.sign_in import sign_in_required
from portal.lab.playground.views.editor import describe_links
from portal.lab.quota.domain.ledger import find_quota
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, invalid_value, rename_field
from portal.platform.core.http import takes_events, wants_json


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sign_in_required
def chat(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A conversation; without scripts, each change of it is posted here and comes back."""
    models = _list_models(request)
    if request.method != "POST":
        wanted = {"model": request.GET.get("model", "")}
        return _render(request, ChatForm(initial=wanted, models=models.usable), models, [Turn()])
    form = ChatForm(initial=request.POST.dict(), models=models.usable)
    try:
        turns = edit_turns(read_turns(request.POST), request.POST.get("edit", ""))
    except DomainError as error:
        return _render(request, form, models, [], error=error)
    job = find_named_run(request, request.POST.get("answer", ""))
    if job is not None and not job.is_active:
        turns = [*turns, Turn(Role.ASSISTANT, job.text), Turn()]
        return _render(request, form, models, turns, ended=job)
    return _render(request, form, models, turns, job=job)


@require_POST
@sign_in_required
def preview(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The prompt that the conversation becomes, its tokens, and the person's quota."""
    try:
        model = _find_model(request, _list_models(request))
        prompt = render_turns(model, read_turns(request.POST))
    except DomainError as error:
        return _refuse_script(error, {})
    tokens = count_tokens(prompt, deployment=model.deployment, add_special_tokens=False)
    quota = find_quota(request.user, model=model, at=timezone.now())
    return JsonResponse(
        {
            "prompt": prompt,
            "tokens": tokens.tokens,
            "is_exact": tokens.is_exact,
            "context": context_length(model, engine_status(model.deployment)),
            "quota": {"tokens": quota.tokens, "left": quota.left},
        }
    )


@require_POST
@sign_in_required
def create(request: AuthenticatedHttpRequest) -> HttpResponseBase:
    """Run the conversation; without scripts its page comes back and waits for the answer."""
    models = _list_models(request)
    form = ChatForm(request.POST, models=models.usable, person=request.user.pk)
    turns: list[Turn] = []
    try:
        turns = read_turns(request.POST)
        require_written(turns)
        job = _submit(request, form, models, turns) if form.is_valid() else None
    except DomainError as error:
        named = rename_field(error, {"prompt": "messages"})
        if wants_json(request):
            return _refuse_script(named, {})
        return _render(request, form, models, turns, error=named)
    if job is None:
        if wants_json(request):
            return _refuse_script(None, form.errors)
        return _render(request, form, models, turns, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if takes_events(request):
        opening = frame_accepted(describe_links(job))
        return answer_stream(job, opening=opening, status=HTTPStatus.CREATED)
    if wants_json(request):
        return JsonResponse(describe_links(job), status=HTTPStatus.CREATED)
    unbound = ChatForm(initial=request.POST.dict(), models=models.usable)
    return _render(request, unbound, models, turns, job=job)


def _list_models(request: AuthenticatedHttpRequest) -> Models:
    """The person's models that have a template."""
    usable = list_usable(request.user)
    return Models(list_choices(model for model in usable if find_template(model.deployment)), [])


def _submit(
    request: AuthenticatedHttpRequest, form: ChatForm, models: Models, turns: Sequence[Turn]
) -> GenerationJob:
    model = _find_model(request, models)
    return submit_job(
        request.user,
        model=model,
        prompt=render_turns(model, turns),
        sampling=form.to_sampling(),
        origin=Origin.PLAYGROUND,
    )


def _find_model(request: AuthenticatedHttpRequest, models: Models) -> HostedModel:
    model = models.find_usable(request.POST.get("model", ""))
    if model is None:
        raise invalid_value("Choose one of the models in the list.", field="model")
    return model


def _refuse_script(error: DomainError | None, errors: object) -> JsonResponse:
    refusal = describe_refusal(error)
    if error is not None and error.field:
        errors = {error.field: [error.message]}
    status = refusal.status or HTTPStatus.UNPROCESSABLE_ENTITY
    return JsonResponse({"errors": errors, "error": refusal.as_json()}, status=status)


def _render(
    request: AuthenticatedHttpRequest,
    form: ChatForm,
    models: Models,
    turns: Sequence[Turn],
    *,
    error: DomainError | None = None,
    status: int = HTTPStatus.OK,
    **context: object,
) -> HttpResponse:
    chosen = form["model"].value() or (models.usable[0].slug if models.usable else "")
    refusal = describe_refusal(error) if error or form.errors else None
    if error is not None:
        status = (refusal and refusal.status) or HTTPStatus.UNPROCESSABLE_ENTITY
    return render(
        request,
        "lab/playground/chat.html",
        {
            "is_chat": True,
            "form": form,
            "models": models,
            "chosen": chosen,
            "turns": turns,
            "roles": list(Role),
            "prompt": _render_quietly(models.find_usable(chosen), turns),
            "presets": list_options(request.user),
            "quota": find_quota(request.user, model=models.find_usable(chosen), at=timezone.now()),
            "refusal": refusal,
            **context,
        },
        status=status,
    )


def _render_quietly(model: HostedModel | None, turns: Sequence[Turn]) -> str:
    """The prompt, or why there is none."""
    if model is None:
        return ""
    try:
        return render_turns(model, turns)
    except DomainError as error:
        return error.message
