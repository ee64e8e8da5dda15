"""The editor: empty, with a run, and the submission of its contents."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.gate.catalog.models import HostedModel
from portal.lab.chat.domain.templates import find_template
from portal.lab.jobs.domain.history import find_run
from portal.lab.jobs.domain.sets import submit_samples
from portal.lab.jobs.domain.submission import submit_job
from portal.lab.jobs.domain.tokens import find_beginning
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.answer import answer_stream
from portal.lab.jobs.stream.frames import frame_accepted
from portal.lab.notebook.domain.imports import find_imported
from portal.lab.notebook.domain.placing import place_runs
from portal.lab.playground.examples import EXAMPLES
from portal.lab.playground.forms import GenerationForm, initial_from
from portal.lab.playground.notes import view_notes
from portal.lab.playground.own_runs import require_run
from portal.lab.playground.presentation import Choice, Models, RunView, list_models, view_run
from portal.lab.playground.presets import find_option, list_options
from portal.lab.playground.refusals import describe_refusal
from portal.lab.playground.sign_in import sign_in_required
from portal.lab.quota.domain.ledger import find_quota
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User
from portal.platform.core.compiled import CompiledModels
from portal.platform.core.errors import DomainError
from portal.platform.core.http import takes_events, wants_json

_SERVED: Final = CompiledModels(
    lambda slug: (
        HostedModel.objects.filter(slug=slug)
        .exclude(deployment="")
        .select_related("release__licence")
    ),
    slug=str,
)


@require_safe
@never_cache
@sign_in_required
def editor(request: AuthenticatedHttpRequest) -> HttpResponse:
    """A new document: for the model `?model=` if it is open, with `?example=` or run `?from=`."""
    models = list_models(request.user)
    initial = _read_source(request)
    if initial is None:
        wanted = [model.slug for model in models.usable if model.slug == request.GET.get("model")]
        initial = {"model": wanted[0]} if wanted else {}
        if example := EXAMPLES.get(request.GET.get("example", "")):
            initial["prompt"] = example.prompt
    return render_editor(request, GenerationForm(initial=initial, models=models.usable), models)


@require_safe
@never_cache
@sign_in_required
def run(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """A run of the person: its document and state."""
    job = require_run(request, job_id)
    models = list_models(request.user)
    if job.model not in models.usable:
        models = Models([*models.choices, Choice(job.model, "")], models.refusals)
    view = view_run(job)
    initial = {
        **initial_from(job.params),
        "model": job.model.slug,
        "prompt": view.document,
        "source": job.pk,
    }
    form = GenerationForm(initial=initial, models=models.usable)
    return render_editor(request, form, models, view=view, notes=view_notes(job))


@require_POST
@sign_in_required
def create(request: AuthenticatedHttpRequest) -> HttpResponseBase:
    """Submit a run; a refusal keeps all input.

    A script that accepts events gets the run's events in the same response, after `accepted`.
    """
    # A model that is no longer open is refused by `submit_job`, not as an unknown choice.
    wanted = request.POST.get("model", "").replace("\0", "")
    known = {model.slug: model for model in _SERVED.find(slug=wanted)}
    form = GenerationForm(request.POST, models=known.values(), person=request.user.pk)
    if not form.is_valid():
        return _refuse(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        jobs = _submit(request.user, form, model=known[form.cleaned_data["model"]])
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _refuse(request, form, error=error)
    place_runs(jobs, source=form.cleaned_data["source"])
    if len(jobs) > 1:
        return _lead_to_samples(request, jobs)
    job = jobs[0]
    if takes_events(request):
        opening = frame_accepted(describe_links(job))
        return answer_stream(job, opening=opening, status=HTTPStatus.CREATED)
    if wants_json(request):
        return JsonResponse(describe_links(job), status=HTTPStatus.CREATED)
    return redirect("playground:run", job.pk)


def _submit(user: User, form: GenerationForm, *, model: HostedModel) -> Sequence[GenerationJob]:
    """One run, or all samples; raises `DomainError` before anything is queued."""
    values, sampling = form.cleaned_data, form.to_sampling()
    if values["n"] > 1 and not values["only_score"]:
        prompt, n = values["prompt"], values["n"]
        return submit_samples(user, model=model, prompt=prompt, sampling=sampling, n=n)
    origin = Origin.PLAYGROUND
    return [
        submit_job(user, model=model, prompt=values["prompt"], sampling=sampling, origin=origin)
    ]


def _lead_to_samples(
    request: AuthenticatedHttpRequest, jobs: Sequence[GenerationJob]
) -> HttpResponse:
    """To the page that shows them side by side."""
    query = ",".join(str(job.pk) for job in jobs)
    url = f"{reverse('comparison:runs')}?runs={query}"
    if wants_json(request):
        return JsonResponse({"url": url}, status=HTTPStatus.CREATED)
    return redirect(url)


def render_copy(request: AuthenticatedHttpRequest, source: GenerationJob) -> HttpResponse:
    """A new document with the prompt and parameters of another person's run."""
    models = list_models(request.user)
    initial = {**initial_from(source.params), "prompt": source.prompt}
    if source.model in models.usable:
        initial["model"] = source.model.slug
    form = GenerationForm(initial=initial, models=models.usable)
    return render_editor(request, form, models, is_copy=True)


def describe_links(job: GenerationJob) -> dict[str, str]:
    return {
        "id": str(job.pk),
        "url": reverse("playground:run", args=[job.pk]),
        "events_url": reverse("playground:events", args=[job.pk]),
        "stop_url": reverse("playground:stop", args=[job.pk]),
        "notes_url": reverse("playground:notes", args=[job.pk]),
    }


def _read_source(request: AuthenticatedHttpRequest) -> dict[str, object] | None:
    """The prompt and parameters of the run or imported document that `?from=` names."""
    try:
        source = UUID(request.GET.get("from", ""))
    except ValueError:
        return None
    if job := find_run(request.user, source):
        given = {"model": job.model.slug, "prompt": job.prompt}
        return {**initial_from(job.params), **given, "source": source}
    if node := find_imported(request.user, source):
        params = initial_from(node.params) if node.params else {}
        return {**params, "prompt": node.text, "source": source}
    return None


def _refuse(
    request: AuthenticatedHttpRequest,
    form: GenerationForm,
    *,
    error: DomainError | None = None,
    status: int = HTTPStatus.BAD_REQUEST,
) -> HttpResponse:
    refusal = describe_refusal(error)
    if wants_json(request):
        body = {"errors": form.errors, "error": refusal.as_json()}
        return JsonResponse(body, status=refusal.status or status)
    models = list_models(request.user)
    # The choices of the page are the models that are open to the person.
    form.fields["model"].choices = [  # type: ignore[attr-defined]
        (model.slug, model.name) for model in models.usable
    ]
    return render_editor(request, form, models, refusal=refusal, status=refusal.status or status)


def render_editor(
    request: AuthenticatedHttpRequest,
    form: GenerationForm,
    models: Models,
    *,
    view: RunView | None = None,
    status: int = HTTPStatus.OK,
    **context: object,
) -> HttpResponse:
    """The page; `?preset=` sets the parameters of a new document."""
    chosen = form["model"].value() or (models.usable[0].slug if models.usable else "")
    presets = list_options(request.user)
    preset = None if view or form.is_bound else find_option(presets, request.GET.get("preset", ""))
    if preset is not None:
        form.initial = {**form.initial, **preset.values}
    model = models.find_usable(chosen)
    return render(
        request,
        "lab/playground/editor.html",
        {
            "form": form,
            "models": models,
            "chosen": chosen,
            "view": view,
            "examples": EXAMPLES,
            "quota": find_quota(request.user, model=model, at=timezone.now()),
            "beginning": find_beginning(model.deployment) if model else "",
            "presets": presets,
            "preset": preset,
            "has_chat": any(find_template(model.deployment) for model in models.usable),
            **context,
        },
        status=status,
    )
