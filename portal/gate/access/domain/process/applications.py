"""What an applicant does: draft, submit, withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.process.decisions import reapply_at
from portal.gate.access.domain.process.versions import freeze_version
from portal.gate.access.domain.rights.grants import end_grants, lock_halted_grants
from portal.gate.access.domain.screening.denylist import require_not_denied
from portal.gate.access.domain.screening.flags import review_country
from portal.gate.access.domain.workflow.commands import move_application, require_announced
from portal.gate.access.domain.workflow.separation import require_role
from portal.gate.access.enums import (
    OPEN_STATES,
    REVIEW_STATES,
    ApplicationState,
    Capability,
    Command,
    Role,
)
from portal.gate.access.models import Application, Step
from portal.gate.access.signals import application_submitted, application_submitting
from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.domain.signing import standing
from portal.gate.licensing.enums import Standing
from portal.gate.licensing.models import Licence
from portal.platform.accounts.domain.identity import is_email_verified, verified_orcid
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


@dataclass(frozen=True, kw_only=True)
class Answers:
    """An application's content, each value already checked by the form."""

    affiliation: str
    position: str
    country: str
    orcid: str
    homepage: str
    intended_use: str
    models: tuple[HostedModel, ...]
    capabilities: tuple[Capability, ...]
    data_handling: str
    others_with_access: str
    sector: str = ""


def open_draft(user: User) -> Application:
    """The application that the person can edit now; a new one starts with their last answers.

    Raises `DomainError` with code `application_pending` while one waits for a reviewer.
    """
    application = Application.objects.filter(applicant=user, state__in=OPEN_STATES).first()
    if application is None:
        if newest := Application.objects.newest_of(user):
            require_announced(newest)
        try:
            with transaction.atomic():
                return _create_draft(user)
        except IntegrityError:
            # Another tab has made the draft in the meantime.
            application = Application.objects.get(applicant=user, state__in=OPEN_STATES)
    if application.visible_state(at=timezone.now()) in REVIEW_STATES:
        raise DomainError(
            RefusalCode.APPLICATION_PENDING,
            f"Your application {application.case_number} is with the reviewers. "
            "To change it, withdraw it first.",
            next_url=reverse("access:status"),
        )
    return application


@transaction.atomic
def submit_application(
    application: Application, *, by: User, answers: Answers, connection_country: str = ""
) -> Step:
    """Freeze the answers and the applicant's identity, and ask for a decision.

    `connection_country` is where the request came from, if that is known: a listed country, or
    one that differs from the declared one, only flags the application for a reviewer.

    Raises `DomainError`: `email_unverified`, `licence_unsigned` or `licence_outdated` (with
    the licence to sign as `next_url`), `models_missing`, `not_your_application`, `too_soon`
    after a refusal, `denied`, `referee_missing`; `LostRace`.
    """
    require_role(by, Role.APPLICANT, owner_id=application.applicant_id, what="application")
    require_announced(application)
    if not is_email_verified(by):
        raise DomainError(
            RefusalCode.EMAIL_UNVERIFIED,
            "Confirm your e-mail address first. What you have written is kept.",
            next_url=reverse("account_email"),
        )
    if not answers.models:
        raise DomainError(
            RefusalCode.MODELS_MISSING, "Choose at least one model.", field="models_wanted"
        )
    require_not_denied(by, at=timezone.now(), next_url=reverse("access:denial"))
    require_signatures(by, answers.models)
    _require_pause(application)
    application_submitting.send(sender=Application, application=application, models=answers.models)
    orcid = verified_orcid(by)
    application.country, application.connection_country = answers.country, connection_country
    review = {flag.code: flag.data for flag in review_country(application)}
    step = move_application(
        application,
        Command.SUBMIT,
        by=by,
        role=Role.APPLICANT,
        data={
            "models": sorted(model.slug for model in answers.models),
            "capabilities": sorted(answers.capabilities),
            **review,
        },
        submitted_at=timezone.now(),
        decided_at=None,
        effective_at=None,
        applicant_name=by.name or by.email,
        applicant_email=by.email,
        orcid=orcid or answers.orcid,
        is_orcid_verified=bool(orcid),
        affiliation=answers.affiliation,
        position=answers.position,
        sector=answers.sector,
        country=answers.country,
        connection_country=connection_country,
        homepage=answers.homepage,
        intended_use=answers.intended_use,
        capabilities=list(answers.capabilities),
        data_handling=answers.data_handling,
        others_with_access=answers.others_with_access,
    )
    application.models_wanted.set(answers.models)
    freeze_version(application, models=[model.name for model in answers.models])
    application_submitted.send(sender=Application, application=application)
    return step


@transaction.atomic
def withdraw_application(application: Application, *, by: User) -> Step:
    """Withdraw an application, or discard a draft; a new one can be started at once.

    Its grants that were halted when it was reopened end with it. Raises `DomainError`
    (`not_your_application`, `application_pending` while a decision is held) and `LostRace`.
    """
    require_role(by, Role.APPLICANT, owner_id=application.applicant_id, what="application")
    require_announced(application)
    halted = lock_halted_grants(application)
    step = move_application(
        application,
        Command.WITHDRAW,
        by=by,
        role=Role.APPLICANT,
        claimed_by=None,
        claim_ends_at=None,
    )
    end_grants(halted, by=by, reason="The application was withdrawn.")
    return step


def require_signatures(user: User, models: Sequence[HostedModel]) -> None:
    """Raise `DomainError` naming the first licence that still must be signed."""
    licences = Licence.objects.filter(releases__models__in=models).distinct().order_by("slug")
    for licence in licences:
        match standing(user, licence, at=timezone.now()):
            case Standing.SIGNED:
                continue
            case Standing.OUTDATED:
                code, ask = RefusalCode.LICENCE_OUTDATED, "has changed. Sign its new version"
            case Standing.UNSIGNED:
                code, ask = RefusalCode.LICENCE_UNSIGNED, "is not signed yet. Sign it"
        raise DomainError(
            code,
            f"The licence “{licence.name}” {ask}, then submit. What you have written is kept.",
            next_url=reverse("licensing:sign", args=[licence.slug]),
        )


def _require_pause(application: Application) -> None:
    refused = (
        Application.objects.filter(
            applicant_id=application.applicant_id, state=ApplicationState.REJECTED
        )
        .exclude(pk=application.pk)
        .order_by("-decided_at")
        .first()
    )
    until = reapply_at(refused) if refused else None
    if until is not None and timezone.now() < until:
        raise DomainError(
            RefusalCode.TOO_SOON,
            f"After a refusal, you can submit a new application from {until:%d %B %Y}. "
            "What you have written is kept. You may also appeal against the refusal once.",
            next_url=reverse("access:status"),
        )


def _create_draft(user: User) -> Application:
    previous = Application.objects.newest_of(user)
    return Application.objects.create(
        applicant=user,
        case_number=_next_case_number(),
        draft=previous.draft if previous else {},
    )


def _next_case_number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('access_case_number')")
        (number,) = cursor.fetchone()
    return f"GH-{timezone.now():%Y}-{number:04d}"
