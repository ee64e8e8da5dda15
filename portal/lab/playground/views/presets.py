"""Presets: a page that lists them, and what a person does with them."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.gate.teams.domain.team_view import current_teams
from portal.lab.playground.forms import GenerationForm, initial_from
from portal.lab.playground.presentation import list_models, list_usable
from portal.lab.playground.preset_form import PresetForm
from portal.lab.playground.presets import PresetOption, list_saved, name_team
from portal.lab.playground.refusals import describe_refusal
from portal.lab.playground.sign_in import sign_in_required
from portal.lab.playground.views.editor import render_editor
from portal.lab.presets.domain.built_in import BUILT_IN
from portal.lab.presets.domain.listing import presets_of, withdrawable_by
from portal.lab.presets.domain.saving import (
    delete_preset,
    save_preset,
    share_preset,
    withdraw_preset,
)
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, rename_field
from portal.platform.core.http import wants_json


@require_safe
@never_cache
@sign_in_required
def presets(request: AuthenticatedHttpRequest) -> HttpResponse:
    """All presets that the person may use."""
    context = {
        "built_in": BUILT_IN,
        "saved": list_saved(request.user),
        "teams": [(team.pk, name_team(team, request.user)) for team in current_teams(request.user)],
    }
    return render(request, "lab/playground/presets.html", context)


@require_POST
@sign_in_required
def save(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Save the editor's parameters; without scripts the editor comes back with its text."""
    form = PresetForm(request.POST, models=list_usable(request.user), person=request.user.pk)
    saved = _save(request, form) if form.is_valid() else None
    if wants_json(request):
        return _answer(form, saved)
    for errors in form.errors.values():
        messages.warning(request, " ".join(map(str, errors)))
    if saved is not None:
        messages.success(request, f"Saved as {saved.label}.")
    models = list_models(request.user)
    editor = GenerationForm(initial=request.POST.dict(), models=models.usable)
    status = HTTPStatus.OK if saved else HTTPStatus.UNPROCESSABLE_ENTITY
    return render_editor(request, editor, models, status=status)


@require_POST
@sign_in_required
def delete(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Delete one of the person's own presets."""
    delete_preset(get_object_or_404(presets_of(request.user), pk=pk))
    messages.success(request, "The preset was deleted.")
    return redirect("playground:presets")


@require_POST
@sign_in_required
def share(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Share one of the person's own presets with a team of theirs."""
    preset = get_object_or_404(presets_of(request.user), pk=pk)
    typed = request.POST.get("team", "")
    try:
        share_preset(preset, team_id=int(typed) if typed.isdecimal() and len(typed) < 19 else 0)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "The team can use this preset now.")
    return redirect("playground:presets")


@require_POST
@sign_in_required
def withdraw(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Take a preset from its team, as its owner or as the team's lead."""
    withdraw_preset(get_object_or_404(withdrawable_by(request.user), pk=pk))
    messages.success(request, "The team can no longer use this preset.")
    return redirect("playground:presets")


def _save(request: AuthenticatedHttpRequest, form: PresetForm) -> PresetOption | None:
    values = form.cleaned_data
    try:
        preset = save_preset(
            request.user,
            name=values["preset_name"],
            sampling=form.to_sampling(),
            replaces=values["replace_preset"],
        )
    except DomainError as error:
        renamed = rename_field(error, {"name": "preset_name"})
        form.add_error(renamed.field, renamed.message)
        return None
    return PresetOption(str(preset.pk), preset.name, initial_from(preset.params))


def _answer(form: PresetForm, saved: PresetOption | None) -> HttpResponse:
    if saved is None:
        body = {"errors": form.errors, "error": describe_refusal(None).as_json()}
        return JsonResponse(body, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return JsonResponse({"id": saved.id, "label": saved.label, "values": saved.values_json})
