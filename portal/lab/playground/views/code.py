"""The editor's document and parameters as code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from inference_workers.contract import SamplingParams
from portal.lab.completions.domain.code import Snippet, write_code
from portal.lab.completions.domain.models import names_of
from portal.lab.playground.forms import DEFAULTS, GenerationForm
from portal.lab.playground.presentation import list_usable
from portal.lab.playground.refusals import describe_refusal
from portal.lab.playground.sign_in import sign_in_required
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.http import wants_json


@require_POST
@sign_in_required
def code(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The form as code, as JSON for the dialog or as a page; nothing is stored or run."""
    models = {model.slug: model for model in list_usable(request.user).select_related("release")}
    form = GenerationForm(request.POST, models=models.values(), person=request.user.pk)
    if not form.is_valid():
        return _refuse(request, form)
    values = form.cleaned_data
    model = models[values["model"]]
    hub = next((name for name in sorted(names_of(model)) if "/" in name), model.slug)
    snippets = write_code(
        _describe_request(values),
        base_url=f"{settings.SITE_URL}/v1",
        tokenizer=hub,
        # OPT's texts begin with a token that lm_eval adds only on request.
        begins_with_bos=hub.rpartition("/")[2].startswith("opt-"),
    )
    return _answer(request, snippets)


def _describe_request(values: Mapping[str, Any]) -> dict[str, Any]:
    """The form's values as fields of `POST /v1/completions`."""
    same = SamplingParams.model_fields.keys() - {"structure"}
    fields = {name: values[name] for name in ("model", "prompt")}
    fields |= {name: values[name] for name in DEFAULTS if name in same}
    if values["n"] > 1:
        fields["n"] = values["n"]
    if (structure := values["structure"]) is not None:
        kinds = {
            "regex": structure.regex,
            "choice": list(structure.choice),
            "json": structure.json_schema,
        }
        fields["structured_outputs"] = {name: kind for name, kind in kinds.items() if kind}
    return fields


def _answer(request: AuthenticatedHttpRequest, snippets: list[Snippet]) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"snippets": [asdict(snippet) for snippet in snippets]})
    return render(request, "lab/playground/code.html", {"snippets": snippets})


def _refuse(request: AuthenticatedHttpRequest, form: GenerationForm) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if wants_json(request):
        error = describe_refusal(None).as_json()
        return JsonResponse({"errors": form.errors, "error": error}, status=status)
    return render(request, "lab/playground/code.html", {"form": form}, status=status)
