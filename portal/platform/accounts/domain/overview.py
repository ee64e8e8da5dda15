"""What a person sees about their own account."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession

from portal.platform.accounts.domain.identity import lacks_required_mfa
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class AccountOverview:
    """The state of one account at one time."""

    email_verified: bool
    pending_email: str
    has_password: bool
    has_app: bool
    passkeys: int
    recovery_codes: int
    sessions: int
    connections: tuple[str, ...]
    roles: tuple[str, ...]
    needs_second_factor: bool

    @property
    def has_second_factor(self) -> bool:
        return self.has_app or self.passkeys > 0


def describe_account(user: User) -> AccountOverview:
    """The overview of `user`. It takes five queries, whatever the account holds."""
    addresses = {a.email.lower(): a.verified for a in EmailAddress.objects.filter(user=user)}
    authenticators = list(Authenticator.objects.filter(user=user))
    of_type = [authenticator.type for authenticator in authenticators]
    codes = [a for a in authenticators if a.type == Authenticator.Type.RECOVERY_CODES]
    return AccountOverview(
        email_verified=addresses.get(user.email.lower(), False),
        pending_email=_pending_email(user, addresses),
        has_password=user.has_usable_password(),
        has_app=Authenticator.Type.TOTP in of_type,
        passkeys=of_type.count(Authenticator.Type.WEBAUTHN),
        recovery_codes=sum(len(a.wrap().get_unused_codes()) for a in codes),
        sessions=len(UserSession.objects.purge_and_list(user)),
        connections=tuple(map(_provider_name, SocialAccount.objects.filter(user=user))),
        roles=_roles(user),
        needs_second_factor=lacks_required_mfa(user),
    )


def _pending_email(user: User, addresses: dict[str, bool]) -> str:
    others = (email for email in addresses if email != user.email.lower())
    return next((email for email in others if not addresses[email]), "")


def _provider_name(account: SocialAccount) -> str:
    return "ORCID" if account.provider == "orcid" else str(account.get_provider().name)


def _roles(user: User) -> tuple[str, ...]:
    roles = [
        ("Reviewer", user.is_reviewer),
        ("Auditor", user.is_auditor),
        ("Operator", user.is_operator),
    ]
    return tuple(name for name, held in roles if held)
