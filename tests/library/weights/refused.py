"""Every reason why a person or a key is refused weights, and what brings it about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.utils import timezone

from portal.gate.access.enums import ApplicationState, GrantState, KeyScope
from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.licensing import LicenceVersionFactory

Change = Callable[[User, HostedModel], object]
PAST = timezone.now() - timedelta(days=400)


def _update_person(**fields: object) -> Change:
    return lambda user, _: User.objects.filter(pk=user.pk).update(**fields)


def _update_grant(**fields: object) -> Change:
    return lambda user, _: Grant.objects.filter(user=user).update(**fields)


def _update_key(**fields: object) -> Change:
    return lambda user, _: ApiKey.objects.filter(user=user).update(**fields)


def _apply(state: ApplicationState) -> Change:
    def change(user: User, model: HostedModel) -> None:
        Grant.objects.filter(user=user).delete()
        ApplicationFactory.create(applicant=user, state=state, models_wanted=[model])

    return change


def _unconfirm_address(user: User, _: HostedModel) -> None:
    EmailAddress.objects.filter(user=user).update(verified=False)


def _give_key_away(user: User, _: HostedModel) -> None:
    ApiKey.objects.filter(user=user).update(user=UserFactory.create())


def _publish_licence(_: User, model: HostedModel) -> None:
    LicenceVersionFactory.create(licence=model.release.licence, number=2, grace_days=0)


def _limit_key(user: User, _: HostedModel) -> None:
    ApiKey.objects.get(user=user).allowed_models.set([HostedModelFactory.create()])


REFUSED: dict[str, Change] = {
    "email_unverified": _unconfirm_address,
    "mfa_required": _update_person(is_reviewer=True),
    "licence_unsigned": _give_key_away,
    "licence_outdated": _publish_licence,
    "no_application": _update_grant(capabilities=["api"]),
    "pending": _apply(ApplicationState.SUBMITTED),
    "returned": _apply(ApplicationState.RETURNED),
    "rejected": _apply(ApplicationState.REJECTED),
    "grant_expired": _update_grant(starts_at=PAST, ends_at=PAST + timedelta(days=1)),
    "suspended": _update_grant(state=GrantState.SUSPENDED),
    "revoked": _update_grant(state=GrantState.REVOKED),
    "key_scope": _update_key(scopes=[KeyScope.READ]),
    "key_model": _limit_key,
    "key_revoked": _update_key(revoked_at=PAST),
    "key_expired": _update_key(expires_at=PAST),
}
