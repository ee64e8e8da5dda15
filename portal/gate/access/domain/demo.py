"""The people of the demo: some for each role, and one who waits in the reviewers' queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.process.applications import Answers, open_draft, submit_application
from portal.gate.access.domain.process.reviews import approve_application
from portal.gate.access.enums import OPEN_STATES, Capability
from portal.gate.access.models import Application, Grant
from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.domain.signing import sign_licence, standing
from portal.gate.licensing.domain.versions import current_version
from portal.gate.licensing.enums import Capacity, Standing
from portal.gate.licensing.models import Licence
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

DOMAIN: Final = "demo.gatehouse.example"
ANSWERED_USES: Final = (Capability.PLAYGROUND, Capability.API, Capability.WEIGHTS)


@dataclass(frozen=True, kw_only=True)
class DemoAccount:
    """An account that a visitor to the demo may sign in to."""

    role: str
    name: str
    is_reviewer: bool = False
    is_operator: bool = False
    is_auditor: bool = False

    @property
    def email(self) -> str:
        return f"{self.role}@{DOMAIN}"

    @property
    def password(self) -> str:
        """Public on purpose: these accounts exist only in the demo."""
        return f"demo-{self.role}-password"


APPLICANT: Final = DemoAccount(role="applicant", name="Amara Okafor")
RESEARCHER: Final = DemoAccount(role="researcher", name="Ingrid Solheim")
REVIEWER: Final = DemoAccount(role="reviewer", name="Tomás Herrera", is_reviewer=True)
SECOND: Final = DemoAccount(role="reviewer2", name="Hana Dvořák", is_reviewer=True)
"""Needed for models that require two reviewers, and for what the first may not decide."""
OPERATOR: Final = DemoAccount(role="operator", name="Mei Tanaka", is_operator=True)
AUDITOR: Final = DemoAccount(role="auditor", name="Priya Raman", is_auditor=True)
QUEUED: Final = DemoAccount(role="queued", name="Jonas Albrecht")
"""Has applied and waits; not offered to visitors, who could withdraw the application."""

ACCOUNTS: Final = (APPLICANT, RESEARCHER, REVIEWER, SECOND, OPERATOR, AUDITOR)


def seed_demo() -> tuple[DemoAccount, ...]:
    """Create the demo's people and what they have done so far; a second call adds nothing.

    What visitors to the demo changed is kept, except for changed passwords.
    Raises `DomainError` with code `not_a_demo` outside the demo, and
    `release_not_loaded` before `load_release`.
    """
    if not settings.DEMO:
        raise DomainError(
            RefusalCode.NOT_A_DEMO, "Demo accounts are created only where DEMO is on."
        )
    if not HostedModel.objects.filter(status=ModelStatus.LIVE).exists():
        raise DomainError(RefusalCode.RELEASE_NOT_LOADED, "No live model: run load_release first.")
    people = {account: _ensure_user(account) for account in (*ACCOUNTS, QUEUED)}
    _ensure_researcher_has_access(people[RESEARCHER], reviewer=people[REVIEWER])
    _ensure_somebody_waits(people[QUEUED])
    return ACCOUNTS


@transaction.atomic
def _ensure_user(account: DemoAccount) -> User:
    user, is_new = User.objects.get_or_create(
        email=account.email,
        defaults={
            "name": account.name,
            "is_reviewer": account.is_reviewer,
            "is_staff": account.is_operator,
            "is_superuser": account.is_operator,
            "is_auditor": account.is_auditor,
        },
    )
    # Setting it unnecessarily would end every session of the account.
    if is_new or not user.check_password(account.password):
        user.set_password(account.password)
        user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(
        user=user, email=account.email, defaults={"verified": True, "primary": True}
    )
    return user


@transaction.atomic
def _ensure_researcher_has_access(researcher: User, *, reviewer: User) -> None:
    models = [
        model
        for model in _served_models()
        if not Grant.objects.filter(user=researcher, model=model).exists()
    ]
    is_busy = Application.objects.filter(applicant=researcher, state__in=OPEN_STATES).exists()
    if not models or is_busy:
        return
    application = _apply(researcher, RESEARCHER_ANSWERS, models)
    approve_application(
        application,
        by=reviewer,
        ends_at=timezone.now() + timedelta(days=settings.GRANT_DEFAULT_DAYS),
        models=models,
        capabilities=ANSWERED_USES,
        note="A clear question and a sound plan. Good luck.",
    )


@transaction.atomic
def _ensure_somebody_waits(user: User) -> None:
    if not Application.objects.filter(applicant=user).exists():
        _apply(user, QUEUED_ANSWERS, _served_models())


def _served_models() -> list[HostedModel]:
    """Live models that one reviewer can open."""
    return list(
        HostedModel.objects.filter(status=ModelStatus.LIVE)
        .exclude(tier=Tier.TWO_REVIEWERS)
        .select_related("release__licence")
    )


def _apply(user: User, answers: dict[str, str], models: list[HostedModel]) -> Application:
    for licence in {model.release.licence for model in models}:
        _ensure_signed(user, licence)
    application = open_draft(user)
    submit_application(
        application,
        by=user,
        answers=Answers(**answers, models=tuple(models), capabilities=ANSWERED_USES),
    )
    return application


def _ensure_signed(user: User, licence: Licence) -> None:
    version = current_version(licence, at=timezone.now())
    if version is None or standing(user, licence, at=timezone.now()) == Standing.SIGNED:
        return
    sign_licence(user, version=version, legal_name=user.name, capacity=Capacity.SELF)


RESEARCHER_ANSWERS: Final = {
    "affiliation": "University of the North, Department of Linguistics",
    "position": "Postdoctoral researcher",
    "sector": "university",
    "country": "NO",
    "orcid": "",
    "homepage": "https://north.example/people/solheim",
    "intended_use": "How do small language models handle negation? I prompt the model with 1,200 "
    "sentence pairs that differ in one negation and compare the probabilities of their endings. "
    "The pairs are my own and will be published with the paper.",
    "data_handling": "No personal data in the prompts. Outputs stay on an encrypted disk of the "
    "department and are published in aggregate.",
    "others_with_access": "Nobody.",
}
QUEUED_ANSWERS: Final = {
    "affiliation": "Institute for Digital Society, Leipzig",
    "position": "Doctoral student, supervised by Prof. Renate Vogel",
    "sector": "institute",
    "country": "DE",
    "orcid": "",
    "homepage": "https://digital-society.example/albrecht",
    "intended_use": "I measure how often a model repeats a false claim from its prompt instead of "
    "correcting it, for 400 claims from published fact checks, and how the wording of the claim "
    "changes that. The result is a chapter of my dissertation.",
    "data_handling": "The claims are public and name no private persons. I keep outputs for five "
    "years on the institute's server, as its rules ask.",
    "others_with_access": "My supervisor reads the outputs; she will not use the site.",
}
