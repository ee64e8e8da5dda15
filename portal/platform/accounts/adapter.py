"""The extension points of django-allauth that the site uses."""

from __future__ import annotations

from typing import Any

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse

from portal.platform.accounts.enums import TryKind
from portal.platform.accounts.models import User
from portal.platform.accounts.tries import Place, forget_tries, require_try
from portal.platform.core.domain_names import canonical_address
from portal.platform.core.http import client_ip
from portal.platform.core.http_client import bound_session


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """How allauth handles accounts on this site."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": (
            "This address and password do not match. Check both, or ask for a new password."
        ),
        "too_many_login_attempts": "Too many failed tries from your network. Wait a minute.",
        "password_too_many_here": (
            "Too many failed tries for this account from where you are. Wait 5 minutes, or ask "
            "for a new password."
        ),
        "password_too_many_elsewhere": (
            "Too many failed tries for this account. Ask for a new password, or sign in from "
            "a place where you have signed in before."
        ),
        "code_too_many_here": "Too many wrong codes from where you are. Wait 5 minutes.",
        "code_too_many_elsewhere": (
            "Too many wrong codes for this account. Wait an hour, or sign in from a place where "
            "you have signed in before."
        ),
        "enter_current_password": "This is not your current password.",
        "incorrect_password": "This is not your password.",
        "same_as_current": "This is already your address.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that rate limits and the session list count by."""
        return client_ip(request) or "127.0.0.1"

    def clean_email(self, email: str) -> str:
        """Return the canonical spelling, in which addresses are stored and looked up."""
        try:
            return canonical_address(email)
        except ValueError as error:
            raise ValidationError(f"{error}. Check the address.") from None

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The page after sign-in; reviewers, operators and auditors have their own."""
        user = request.user
        for role, page in settings.STAFF_START_PAGES.items():
            if getattr(user, role, False):
                return reverse(page)
        return str(super().get_login_redirect_url(request))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        super().pre_authenticate(request, **credentials)
        require_try(TryKind.PASSWORD, Place(request, credentials.get("email", "")))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            forget_tries(TryKind.PASSWORD, Place(request, credentials.get("email", "")))
        return user

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send one message. Its links begin with `site_url`, never with a host from a client."""
        super().send_mail(template_prefix, email, {"site_url": settings.SITE_URL, **context})


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Takes a person's name from their profile on another site."""

    def get_requests_session(self) -> requests.Session:
        """The session for requests to the sites that people sign in with."""
        return bound_session(super().get_requests_session())

    def populate_user(
        self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]
    ) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        parts = (data.get("first_name"), data.get("last_name"))
        user.name = data.get("name") or " ".join(filter(None, parts))
        return user

    def get_signup_form_initial_data(self, sociallogin: SocialLogin) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_signup_form_initial_data(sociallogin)
        return {**initial, "name": sociallogin.user.name}


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Gives passkeys and errors readable words."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": (
            "This code is wrong. Codes change every 30 seconds: type the one that is shown now."
        ),
        "unverified_email": "Confirm your e-mail address before you add a second factor.",
    }

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002 -- allauth's signature
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return "Passkey" if count == 0 else f"Passkey {count + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {**super().get_public_key_credential_rp_entity(), "name": "Gatehouse"}
