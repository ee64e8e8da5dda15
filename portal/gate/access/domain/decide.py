"""The single decision on access, and the list of models built from the same rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.urls import reverse

from portal.gate.access.capabilities import CAPABILITIES
from portal.gate.access.enums import REVIEW_STATES, ApplicationState, Capability, Code, GrantState
from portal.gate.access.models import Application, Grant, GrantQuerySet
from portal.gate.catalog.enums import ModelStatus, Tier
from portal.gate.catalog.models import HostedModel
from portal.gate.licensing.domain.signing import required_versions, standing
from portal.gate.licensing.enums import Standing
from portal.gate.licensing.models import Licence, Signature
from portal.platform.accounts.domain.identity import is_email_verified, lacks_required_mfa
from portal.platform.accounts.models import User
from portal.platform.core.compiled import CompiledQuery

ENDED_BY_ITSELF = (GrantState.ACTIVE, GrantState.CLOSED)
"""An ended grant in one of these states expired or was given back; it was not taken away."""

STOPPED_STATES = {GrantState.SUSPENDED: Code.SUSPENDED, GrantState.REVOKED: Code.REVOKED}
"""Grants in these states close a model to their holder, even one that a signature alone opens."""


@dataclass(frozen=True)
class NextStep:
    """The next step: the label and the address of a link."""

    label: str
    url: str


@dataclass(frozen=True)
class Decision:
    """`allowed`, the reason in one sentence, and the next step (None if nothing helps)."""

    allowed: bool
    code: Code
    message: str
    next_step: NextStep | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the person had access before."""
        return self.code in (Code.GRANT_EXPIRED, Code.SUSPENDED, Code.REVOKED)


def decide(
    user: User | AnonymousUser, model: HostedModel, capability: Capability, at: datetime
) -> Decision:
    """Whether `user` may use `model` through `capability` at a moment, and if not, why.

    Pages, the API, downloads and running streams all call this function.
    """
    if not isinstance(user, User):
        return _refuse(Code.NOT_SIGNED_IN, "account_login")
    refusal = _judge_person(user) or _judge_licence(user, model.release.licence, at)
    if refusal is None:
        refusal = _judge_right(user, model, capability, at)
    if refusal is not None:
        return refusal
    if CAPABILITIES[capability].needs_engine and not model.is_live:
        return _refuse(Code.MODEL_OFFLINE, "catalog:models")
    return Decision(allowed=True, code=Code.OK, message="Access is open.")


def usable_models(user: User, capability: Capability, at: datetime) -> QuerySet[HostedModel]:
    """Exactly the models that `decide` allows, as one query."""
    if not user.is_active or not is_email_verified(user) or lacks_required_mfa(user):
        return HostedModel.objects.none()
    grants = Grant.objects.begun(at=at).filter(user=user, model=OuterRef("pk"))
    in_force = _in_force(grants, capability, at)
    of_lead = _own_grants(at).filter(user=OuterRef("lead"), model=OuterRef("model"))
    is_led = Q(lead=None) | Q(Exists(_in_force(of_lead, capability, at)))
    allowed = Q(Exists(in_force.filter(is_led)))
    if CAPABILITIES[capability].is_opened_by_signature:
        newest_of_lead = Subquery(_by_age(of_lead).values("state")[:1])
        effective = Case(
            When(lead__isnull=False, state=GrantState.ACTIVE, then=newest_of_lead),
            default=F("state"),
        )
        newest_state = _by_age(grants).annotate(effective=effective).values("effective")[:1]
        stopped = HostedModel.objects.annotate(newest_state=Subquery(newest_state)).filter(
            newest_state__in=list(STOPPED_STATES)
        )
        allowed |= Q(tier=Tier.SIGNATURE) & ~Q(pk__in=stopped.values("pk"))
    if CAPABILITIES[capability].needs_engine:
        allowed &= Q(status=ModelStatus.LIVE)
    return (
        HostedModel.objects.filter(allowed)
        .filter(release__licence__in=_licences_in_good_standing(user, at))
        .select_related("release__licence")
    )


def _licences_in_good_standing(user: User, at: datetime) -> QuerySet[Licence]:
    signed = Signature.objects.filter(user=user, version__licence=OuterRef("pk"))
    binding = required_versions(at=at).filter(licence=OuterRef("pk"))
    newer_than_binding = Signature.objects.filter(
        user=user,
        version__licence=OuterRef("licence"),
        version__number__gte=OuterRef("number"),
    )
    unmet = binding.filter(~Exists(newer_than_binding))
    return Licence.objects.filter(Exists(signed)).exclude(Exists(unmet))


def _judge_person(user: User) -> Decision | None:
    if not user.is_active:
        return _refuse(Code.NOT_SIGNED_IN, "account_login")
    if not is_email_verified(user):
        return _refuse(Code.EMAIL_UNVERIFIED, "account_email")
    if lacks_required_mfa(user):
        return _refuse(Code.MFA_REQUIRED, "mfa_index")
    return None


def _judge_licence(user: User, licence: Licence, at: datetime) -> Decision | None:
    match standing(user, licence, at=at):
        case Standing.UNSIGNED:
            return _refuse(Code.LICENCE_UNSIGNED, "licensing:sign", licence.slug)
        case Standing.OUTDATED:
            return _refuse(Code.LICENCE_OUTDATED, "licensing:sign", licence.slug)
        case Standing.SIGNED:
            return None


def _judge_right(
    user: User, model: HostedModel, capability: Capability, at: datetime
) -> Decision | None:
    grants = _read_grants(user.pk, model.pk, at)
    of_capability = [
        (grant.state, grant.ends_at)
        for grant in grants
        if grant.state in ENDED_BY_ITSELF and capability in grant.capabilities
    ]
    if any(state == GrantState.ACTIVE and ends_at > at for state, ends_at in of_capability):
        return None
    if grants and (newest_state := grants[0].state) in STOPPED_STATES:
        return _refuse(STOPPED_STATES[GrantState(newest_state)], "access:status")
    if model.tier == Tier.SIGNATURE and CAPABILITIES[capability].is_opened_by_signature:
        return None
    return _judge_application(user, model, at, has_expired=bool(of_capability))


def _judge_application(
    user: User, model: HostedModel, at: datetime, *, has_expired: bool
) -> Decision:
    application = Application.objects.newest_of(user)
    state = application.visible_state(at=at) if application else None
    if state in REVIEW_STATES:
        return _refuse(Code.PENDING, "access:status")
    if state == ApplicationState.RETURNED:
        return _refuse(Code.RETURNED, "access:status")
    if has_expired:
        return _refuse(Code.GRANT_EXPIRED, "access:status")
    if (
        application
        and state == ApplicationState.REJECTED
        and application.models_wanted.contains(model)
    ):
        return _refuse(Code.REJECTED, "access:status")
    return _refuse(Code.NO_APPLICATION, "access:apply")


@dataclass(frozen=True)
class _Standing:
    """A grant as it counts at a moment: one that follows a lead's is worth no more than that."""

    state: str
    capabilities: list[str]
    ends_at: datetime


def _read_grants(user_id: int, model_id: int, at: datetime) -> list[_Standing]:
    rows = _GRANTS.rows(user=user_id, model=model_id, at=at)
    return [
        standing
        for state, capabilities, ends_at, lead_id in rows
        for standing in _follow(_Standing(state, capabilities, ends_at), lead_id, model_id, at)
    ]


def _follow(grant: _Standing, lead_id: int | None, model_id: int, at: datetime) -> list[_Standing]:
    """The grant itself, or, if it follows a lead's, what those allow it; newest first."""
    if lead_id is None or grant.state != GrantState.ACTIVE:
        return [grant]
    return [
        _Standing(
            state,
            [use for use in capabilities if use in grant.capabilities],
            min(ends_at, grant.ends_at),
        )
        for state, capabilities, ends_at in _LEAD_GRANTS.rows(user=lead_id, model=model_id, at=at)
    ] or [_Standing(GrantState.ENDED, [], grant.ends_at)]


def _in_force(grants: GrantQuerySet, capability: Capability, at: datetime) -> GrantQuerySet:
    return grants.in_force(at=at).filter(capabilities__contains=[capability])


def _own_grants(at: datetime) -> GrantQuerySet:
    """Grants that others may follow: a lead's own, while their account is open."""
    return Grant.objects.begun(at=at).filter(lead=None, user__is_active=True)


def _by_age(grants: GrantQuerySet) -> GrantQuerySet:
    """Newest first; the first one decides."""
    return grants.order_by("-starts_at", "-id")


_GRANTS: Final = CompiledQuery(
    lambda user, model, at: _by_age(
        Grant.objects.begun(at=at).filter(user_id=user, model_id=model)
    ).values_list("state", "capabilities", "ends_at", "lead_id"),
    user=int,
    model=int,
    at=datetime,
)

_LEAD_GRANTS: Final = CompiledQuery(
    lambda user, model, at: _by_age(
        _own_grants(at).filter(user_id=user, model_id=model)
    ).values_list("state", "capabilities", "ends_at"),
    user=int,
    model=int,
    at=datetime,
)


MESSAGES: dict[Code, tuple[str, str]] = {
    Code.NOT_SIGNED_IN: ("You are not signed in.", "Sign in"),
    Code.EMAIL_UNVERIFIED: ("Your e-mail address is not confirmed yet.", "Confirm your address"),
    Code.MFA_REQUIRED: ("Your role needs a second factor.", "Add a second factor"),
    Code.LICENCE_UNSIGNED: ("The licence is not signed yet.", "Read and sign the licence"),
    Code.LICENCE_OUTDATED: (
        "The licence has changed since you signed it.",
        "Read and sign the new version",
    ),
    Code.NO_APPLICATION: ("You have no access to this yet.", "Apply for access"),
    Code.PENDING: ("Your application is waiting for a reviewer.", "See its status"),
    Code.RETURNED: ("A reviewer asked for changes to your application.", "Read the notes"),
    Code.REJECTED: ("Your application was not approved.", "Read the reason"),
    Code.GRANT_EXPIRED: ("Your access has ended.", "Renew it, or apply again"),
    Code.SUSPENDED: ("Your access is suspended.", "Read why"),
    Code.REVOKED: ("Your access was revoked.", "Read why"),
    Code.MODEL_OFFLINE: ("This model is not loaded here.", "See which models are live"),
}


def _refuse(code: Code, url_name: str, *url_args: str) -> Decision:
    message, label = MESSAGES[code]
    return Decision(
        allowed=False,
        code=code,
        message=message,
        next_step=NextStep(label=label, url=reverse(url_name, args=url_args)),
    )
