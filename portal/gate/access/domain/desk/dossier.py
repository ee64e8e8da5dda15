"""Everything about an applicant that a decision can rest on, each fact with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.conf import settings

from portal.gate.access.affiliation_list import read_affiliations
from portal.gate.access.domain.desk.merging import accounts_of
from portal.gate.access.domain.screening.duplicates import Likeness, find_likenesses
from portal.gate.access.domain.screening.institutions import judge_domain
from portal.gate.access.domain.workflow.separation import domain_of
from portal.gate.access.models import Application, Grant
from portal.gate.licensing.models import Signature
from portal.platform.accounts.domain.identity import is_email_verified, verified_orcid
from portal.platform.accounts.models import User
from portal.platform.core.names import fold_name


@dataclass(frozen=True)
class Fact:
    """What is known, how it is known, and whether someone other than the applicant says so."""

    label: str
    value: str
    source: str
    is_confirmed: bool
    url: str = ""
    note: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Dossier:
    """The identity facts and the past of one applicant."""

    facts: tuple[Fact, ...]
    earlier: tuple[Application, ...]
    grants: tuple[Grant, ...]
    signatures: tuple[Signature, ...]
    likenesses: tuple[Likeness, ...]


def gather_dossier(application: Application) -> Dossier:
    """Collect the dossier, merged accounts included; never anything about prompts."""
    applicant = application.applicant
    accounts = accounts_of(applicant)
    earlier = (
        Application.objects.filter(applicant__in=accounts, submitted_at__isnull=False)
        .exclude(pk=application.pk)
        .order_by("-submitted_at")
    )
    grants = Grant.objects.filter(user__in=accounts).select_related("model", "application")
    signatures = Signature.objects.filter(user__in=accounts).select_related("version__licence")
    return Dossier(
        facts=(
            *_list_facts(application, applicant),
            *_state_legal_names(application, list(signatures)),
        ),
        earlier=tuple(earlier),
        grants=tuple(grants),
        signatures=tuple(signatures),
        likenesses=tuple(find_likenesses(applicant)),
    )


def _list_facts(application: Application, applicant: User) -> list[Fact]:
    email = application.applicant_email or applicant.email
    is_verified = is_email_verified(applicant)
    how = "confirmed by a link sent to it" if is_verified else "not confirmed"
    facts = [
        Fact("Name", application.applicant_name, "typed at sign-up", is_confirmed=False),
        Fact("E-mail", email, how, is_confirmed=is_verified),
        _state_domain(email, is_verified=is_verified),
        _state_affiliation(application, email, is_verified=is_verified),
        _state_orcid(application, applicant),
    ]
    if applicant.email != email:
        facts.append(Fact("Current e-mail", applicant.email, how, is_confirmed=is_verified))
    facts.extend(
        Fact("Signs in with", account.provider, "that service", is_confirmed=True)
        for account in SocialAccount.objects.filter(user=applicant).exclude(provider="orcid")
    )
    since = f"{applicant.date_joined:%d %B %Y}"
    facts.append(Fact("Account since", since, "this site's record", is_confirmed=True))
    return facts


def _state_legal_names(application: Application, signatures: Sequence[Signature]) -> list[Fact]:
    """Each name in a signature, with a warning if it is not the name on the application."""
    facts = {}
    for signature in signatures:
        typed = signature.legal_name
        is_same = _words(typed) == _words(application.applicant_name)
        facts[fold_name(typed)] = Fact(
            "Legal name",
            typed,
            "typed when signing the licence",
            is_confirmed=False,
            warning="" if is_same else f"Differs from “{application.applicant_name}”",
        )
    return list(facts.values())


def _words(name: str) -> list[str]:
    """In any order: family names come first in some countries."""
    return sorted(fold_name(name).split())


def _state_domain(email: str, *, is_verified: bool) -> Fact:
    fact = judge_domain(domain_of(email))
    how = fact.source if is_verified else f"{fact.source}; the address is not confirmed"
    return Fact(
        "E-mail domain", fact.value, how, is_confirmed=is_verified and fact.is_institutional
    )


def _state_affiliation(application: Application, email: str, *, is_verified: bool) -> Fact:
    typed = application.affiliation
    found = read_affiliations(settings.AFFILIATION_LIST).get(fold_name(typed))
    if found is None:
        return Fact("Affiliation", typed, "typed; not on this site's list", is_confirmed=False)
    has_domain = found.has_domain(domain_of(email))
    how = "the e-mail address is at its domain" if has_domain else "the e-mail address is elsewhere"
    return Fact(
        "Affiliation",
        f"{found.name}, ror.org/{found.ror}",
        f"typed as “{typed}”, found on this site's list; {how}",
        is_confirmed=has_domain and is_verified,
        url=found.url,
    )


def _state_orcid(application: Application, applicant: User) -> Fact:
    if not application.orcid:
        return Fact("ORCID iD", "none given", "", is_confirmed=False)
    is_verified = application.orcid == verified_orcid(applicant)
    source = "confirmed by signing in at ORCID" if is_verified else "typed, not confirmed"
    return Fact(
        "ORCID iD",
        application.orcid,
        source,
        is_confirmed=is_verified,
        url=f"https://orcid.org/{application.orcid}",
    )
