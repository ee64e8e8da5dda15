"""Writing an application: opening, saving and submitting it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.gate.access.application_fields import APPLICATION_FIELDS, SECTIONS
from portal.gate.access.domain.process.applications import (
    open_draft,
    submit_application,
)
from portal.gate.access.domain.process.drafts import (
    DraftConflict,
    begin_anew,
    differing_fields,
    find_draft,
    fingerprint_draft,
    save_draft,
)
from portal.gate.access.domain.process.journey import plan_journey, review_days
from portal.gate.access.domain.process.versions import label_notes
from portal.gate.access.draft_conflicts import Conflict, describe_conflicts
from portal.gate.access.enums import ApplicationState, Command
from portal.gate.access.forms import ApplicationForm, read_draft, read_seen, write_seen
from portal.gate.access.models import Application
from portal.platform.accounts.domain.identity import verified_orcid
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.http import connection_country, refuse_as_json, wants_json
from portal.platform.core.personal import personal
from portal.platform.core.unsent import turn_away

NOT_SUBMITTED = "Not submitted yet"


@dataclass(frozen=True)
class Shown:
    """The form as the page shows it, and the refusal, if any."""

    application: Application
    form: ApplicationForm
    refusal: DomainError | None = None
    heading: str = NOT_SUBMITTED
    conflicts: Mapping[str, Conflict] = field(default_factory=dict)


@require_safe
@personal
def edit_application(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show the form with everything typed so far."""
    try:
        application = open_draft(request.user)
    except DomainError as error:
        return turn_away(request, error, to="access:status")
    form = make_form(request.user, initial=application.draft)
    return _render_form(request, Shown(application, form))


@require_POST
@personal
def save_application(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Save the draft; return JSON to the page's script, a redirect otherwise.

    Fields in `take` keep their saved text.
    """
    taken = request.POST.getlist("take")
    all_names = [name for name in APPLICATION_FIELDS if name not in taken]
    names = request.POST.getlist("changed") or all_names
    try:
        application = _save(request, names)
    except DomainError as error:
        if wants_json(request):
            return _refuse_json(error)
        return _show_refusal(request, error, heading="Not saved")
    if wants_json(request):
        marks = fingerprint_draft(application.draft)
        seen = {name: marks.get(name, "") for name in names}
        return JsonResponse({"saved_at": application.saved_at.isoformat(), "seen": seen})
    messages.success(request, f"Draft saved at {application.saved_at:%H:%M} UTC.")
    return redirect("access:apply")


@require_POST
@personal
def submit(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Save what was typed, then check and submit it."""
    try:
        application = _save(request, APPLICATION_FIELDS)
    except DomainError as error:
        return _show_refusal(request, error)
    form = make_form(request.user, data=request.POST)
    refusal: DomainError | None = None
    if form.is_valid():
        try:
            submit_application(
                application,
                by=request.user,
                answers=form.answers(),
                connection_country=connection_country(request),
            )
        except LostRace as error:
            return turn_away(request, error, to="access:status")
        except DomainError as error:
            refusal = error
        else:
            messages.success(
                request,
                f"Submitted. Your case number is {application.case_number}; "
                f"a receipt is on its way to {request.user.email}.",
            )
            return redirect("access:status")
    shown = Shown(application, form, refusal=refusal)
    return _render_form(request, shown, status=422)


def _save(request: AuthenticatedHttpRequest, names: Iterable[str]) -> Application:
    application = find_draft(request.user, case_number=request.POST.get("case", ""))
    values = read_draft(request.POST, names=names)
    save_draft(application, by=request.user, values=values, seen=read_seen(request.POST))
    return application


def _show_refusal(
    request: AuthenticatedHttpRequest, error: DomainError, *, heading: str = NOT_SUBMITTED
) -> HttpResponse:
    """The form with the sent text beside the saved one; a redirect if no form is open."""
    try:
        application, is_new = begin_anew(request.user)
    except DomainError as pending:
        return turn_away(request, pending, to="access:status")
    sent = read_draft(request.POST)
    form = make_form(request.user, initial={**application.draft, **sent})
    names = differing_fields(application.draft, sent) if not is_new else ()
    if isinstance(error, DraftConflict):
        names = error.fields
    else:
        error = DomainError(
            error.code,
            f"{error.message} What you wrote is below, as the start of {application.case_number}.",
        )
    conflicts = describe_conflicts(form, saved=application.draft, sent=sent, names=names)
    shown = Shown(application, form, refusal=error, heading=heading, conflicts=conflicts)
    return _render_form(request, shown, status=409)


def make_form(user: User, **kwargs: object) -> ApplicationForm:
    """The form for this person, without the ORCID iD if ORCID has confirmed it."""
    return ApplicationForm(has_verified_orcid=bool(verified_orcid(user)), **kwargs)


def _render_form(
    request: AuthenticatedHttpRequest, shown: Shown, *, status: int = 200
) -> HttpResponse:
    application, form = shown.application, shown.form
    returned = (
        application.steps.filter(command=Command.RETURN, ruling__taken_back_at=None)
        .select_related("ruling")
        .last()
    )
    is_returned = application.state == ApplicationState.RETURNED
    ruling = getattr(returned, "ruling", None) if is_returned else None
    notes = ruling.field_notes if ruling else {}
    before = plan_journey(request.user, at=timezone.now()).stages[:2]
    context = {
        "application": application,
        "seen": write_seen(fingerprint_draft(application.draft)),
        "form": form,
        "fieldsets": [
            (
                section.title,
                section.intro,
                [
                    (form[name], notes.get(name, ""), shown.conflicts.get(name))
                    for name in section.fields
                    if name in form.fields
                ],
            )
            for section in SECTIONS
        ],
        "refusal": shown.refusal,
        "refusal_heading": shown.heading,
        "returned": returned if is_returned else None,
        "missing": [step for stage in before for step in stage.steps],
        "orcid": verified_orcid(request.user),
        "review_days": review_days(application),
        "field_notes": label_notes(ruling),
    }
    return render(request, "gate/access/apply.html", context, status=status)


def _refuse_json(error: DomainError) -> JsonResponse:
    return refuse_as_json(
        error.code,
        error.message,
        label="See its status",
        url=reverse("access:status"),
        status=HTTPStatus.CONFLICT,
    )
