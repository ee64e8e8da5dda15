"""What has been verified about a person."""

from __future__ import annotations

from typing import Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings

from portal.platform.accounts.models import User
from portal.platform.core.compiled import CompiledQuery

STRONG_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

_VERIFIED: Final = CompiledQuery(
    lambda user, email: EmailAddress.objects.filter(
        user_id=user, email__iexact=email, verified=True
    ).values_list("pk")[:1],
    user=int,
    email=str,
)


def is_email_verified(user: User) -> bool:
    """Whether the account's current address was confirmed by its owner."""
    return bool(_VERIFIED.rows(user=user.pk, email=user.email))


def lacks_required_mfa(user: User) -> bool:
    """Whether a reviewer or operator still has to add a second factor (outside the demo)."""
    if not settings.REQUIRE_STAFF_MFA or not (user.is_reviewer or user.is_auditor or user.is_staff):
        return False
    return not Authenticator.objects.filter(user_id=user.pk, type__in=STRONG_TYPES).exists()


def verified_orcid(user: User) -> str:
    """The ORCID iD that ORCID confirmed at sign-in, or an empty string."""
    account = SocialAccount.objects.filter(user_id=user.pk, provider="orcid").first()
    return account.uid if account else ""
