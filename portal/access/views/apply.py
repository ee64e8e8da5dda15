"""Writing an application: opened, saved as one goes, submitted."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.access.domain.process.applications import (
    DRAFT_FIELDS,
    open_draft,
    save_draft,
    submit_application,
)
from portal.access.domain.process.journey import plan_journey, review_days
from portal.access.domain.process.versions import label_notes
from portal.access.enums import ApplicationState, Command
from portal.access.forms import ApplicationForm, read_draft
from portal.access.models import Application
from portal.accounts.domain.identity import verified_orcid
from portal.accounts.http import AuthenticatedHttpRequest
from portal.accounts.models import User
from portal.core.errors import DomainError, LostRace
from portal.core.http import connection_country, wants_json

FIELDSETS = (
    ("Who you are", "", ("affiliation", "position", "sector", "country", "orcid", "homepage")),
    ("What you want to do", "", ("intended_use", "models_wanted", "capabilities")),
    (
        "How you will take care",
        "The licence asks for this; say how you will do it.",
        ("data_handling", "others_with_access"),
    ),
)


@require_safe
@never_cache
@login_required
def edit_application(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The form, with everything that was typed before."""
    try:
        application = open_draft(request.user)
    except DomainError as error:
        return _turn_away(request, error)
    form = make_form(request.user, initial=application.draft)
    return _render_form(request, application, form)


@require_POST
@never_cache
def save_application(request: HttpRequest) -> HttpResponse:
    """Keep the draft: an answer in JSON for the page's script, a redirect without it."""
    if not isinstance(request.user, User):
        if wants_json(request):
            return _refuse_json("not_signed_in", "You are signed out.", status=401)
        return redirect(f"{reverse('account_login')}?next={reverse('access:apply')}")
    try:
        application = open_draft(request.user)
        names = request.POST.getlist("changed") or DRAFT_FIELDS
        saved_at = save_draft(
            application, by=request.user, values=read_draft(request.POST, names=names)
        )
    except DomainError as error:
        if wants_json(request):
            return _refuse_json(error.code, error.message, status=409)
        return _turn_away(request, error)
    if wants_json(request):
        return JsonResponse({"saved_at": saved_at.isoformat()})
    messages.success(request, f"Draft saved at {saved_at:%H:%M} UTC.")
    return redirect("access:apply")


@require_POST
@never_cache
@login_required
def submit(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Keep what was typed, then check all of it and hand it in."""
    try:
        application = open_draft(request.user)
        save_draft(application, by=request.user, values=read_draft(request.POST))
    except DomainError as error:
        return _turn_away(request, error)
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
            return _turn_away(request, error)
        except DomainError as error:
            refusal = error
        else:
            messages.success(
                request,
                f"Submitted. Your case number is {application.case_number}; "
                f"a receipt is on its way to {request.user.email}.",
            )
            return redirect("access:status")
    return _render_form(request, application, form, refusal=refusal, status=422)


def make_form(user: User, **kwargs: object) -> ApplicationForm:
    """The form as this person gets it: an ORCID iD that ORCID confirmed is not asked for."""
    return ApplicationForm(has_verified_orcid=bool(verified_orcid(user)), **kwargs)


def _render_form(
    request: AuthenticatedHttpRequest,
    application: Application,
    form: ApplicationForm,
    *,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
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
        "form": form,
        "fieldsets": [
            (
                title,
                intro,
                [(form[name], notes.get(name, "")) for name in names if name in form.fields],
            )
            for title, intro, names in FIELDSETS
        ],
        "refusal": refusal,
        "returned": returned if is_returned else None,
        "missing": [step for stage in before for step in stage.steps],
        "orcid": verified_orcid(request.user),
        "review_days": review_days(application),
        "field_notes": label_notes(ruling),
    }
    return render(request, "access/apply.html", context, status=status)


def _turn_away(request: HttpRequest, error: DomainError) -> HttpResponse:
    messages.warning(request, error.message)
    return redirect(error.next_url or "access:status")


def _refuse_json(code: str, message: str, *, status: int) -> JsonResponse:
    step = {"label": "See where it stands", "url": reverse("access:status")}
    if code == "not_signed_in":
        step = {"label": "Sign in", "url": reverse("account_login")}
    return JsonResponse(
        {"error": {"code": code, "message": message, "next_step": step}}, status=status
    )
