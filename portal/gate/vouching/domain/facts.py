"""The answers of referees and officials, as facts with their sources."""

from __future__ import annotations

from datetime import datetime

from portal.gate.access.domain.desk.dossier import Fact
from portal.gate.access.domain.screening.institutions import judge_domain
from portal.gate.access.domain.workflow.separation import domain_of
from portal.gate.access.models import Application
from portal.gate.vouching.domain.domains import find_authorisation
from portal.gate.vouching.enums import Answer, RequestState, VouchKind
from portal.gate.vouching.models import VouchRequest
from portal.platform.accounts.domain.identity import is_email_verified


def list_vouches(application: Application, *, at: datetime) -> list[Fact]:
    """One fact for each person who was asked, including those who were replaced, and one for an
    official who speaks for the applicant's whole domain.
    """
    asked = VouchRequest.objects.filter(application=application).exclude(state=RequestState.NAMED)
    facts = [_describe(request, at=at) for request in asked]
    email = application.applicant_email or application.applicant.email
    authorisation = find_authorisation(email, at=at)
    if authorisation is not None:
        is_verified = is_email_verified(application.applicant)
        official = authorisation.request
        reviewer = authorisation.decided_by.name if authorisation.decided_by else "a reviewer"
        facts.append(
            Fact(
                "Signing official",
                f"{official.name} speaks for everybody at {authorisation.domain}, "
                f"until {authorisation.ends_at:%-d %B %Y}",
                f"authorised by a link sent to {official.email}, confirmed by {reviewer} on "
                f"{authorisation.decided_at:%-d %B %Y}"
                + ("" if is_verified else "; the applicant's address is not confirmed"),
                is_confirmed=is_verified,
            )
        )
    return facts


def _describe(request: VouchRequest, *, at: datetime) -> Fact:
    label = str(VouchKind(request.kind).label)
    if request.state == RequestState.REPLACED:
        label = f"{label}, replaced"
    said = str(Answer(request.answer).label).lower() if request.answer else ""
    if not said:
        said = "the link has expired" if request.is_expired(at=at) else "has not answered"
    if request.erased_at:
        return Fact(
            label,
            f"somebody whose name was erased: {said}",
            _when(request),
            is_confirmed=request.answer == Answer.CONFIRM,
        )
    domain = judge_domain(domain_of(request.email))
    return Fact(
        label,
        f"{request.name}, {request.institution}: {said}",
        f"{_when(request)} {request.email}; {domain.value}, {domain.source}",
        is_confirmed=request.answer == Answer.CONFIRM,
        note=request.text,
    )


def _when(request: VouchRequest) -> str:
    if request.answered_at:
        how = f"answered on {request.answered_at:%-d %B %Y} by a link sent to"
    elif request.sent_at:
        how = f"asked on {request.sent_at:%-d %B %Y} at"
    else:
        how = "named, not asked:"
    return how.removesuffix(" to").removesuffix(" at") if request.erased_at else how
