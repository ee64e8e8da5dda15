"""django-allauth's forms in this site's words.

They are separate from `forms.py`, which allauth imports while it defines its own forms.
"""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.conf import settings
from django.http import HttpRequest

from portal.platform.accounts.enums import TryKind
from portal.platform.accounts.tries import Place, Verdict, count_try, forget_tries, require_try

RULES = "At least 10 characters. Not a common password, and not similar to your name or address."


class Worded(forms.Form):
    """Replaces labels and help texts, and drops placeholders, which vanish as soon as one types."""

    labels: ClassVar[dict[str, str]] = {}
    helps: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.helps.get(name, field.help_text)


class SignupForm(Worded, account.SignupForm):  # type: ignore[misc]
    labels = {"email": "E-mail address", "password2": "Password, again"}
    helps = {
        "email": "Use your institution's address if you have one: it helps reviewers identify you.",
        "password1": RULES,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        trap = self.fields.get(settings.ACCOUNT_SIGNUP_FORM_HONEYPOT_FIELD)
        if trap is not None:
            # allauth hides it by an inline style, which the content security policy forbids.
            trap.widget.attrs = {"tabindex": "-1", "autocomplete": "off"}
            trap.label = "Leave this empty"
            trap.template_name = "forms/trap.html"  # type: ignore[attr-defined]  # stubs lag behind 5.0


class LoginForm(Worded, account.LoginForm):  # type: ignore[misc]
    labels = {"login": "E-mail address", "remember": "Stay signed in on this device"}

    def clean_login(self) -> str:
        """Return the address as it is stored."""
        return str(get_adapter().clean_email(super().clean_login()))


class ResetPasswordForm(Worded, account.ResetPasswordForm):  # type: ignore[misc]
    labels = {"email": "E-mail address"}

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send a link, unless enough have been sent: the earlier ones still work."""
        email: str = self.cleaned_data["email"]
        if count_try(TryKind.RESET, Place(request, email)) is Verdict.ALLOWED:
            super().save(request, **kwargs)
        return email


class ResetPasswordKeyForm(Worded, account.ResetPasswordKeyForm):  # type: ignore[misc]
    labels = {"password1": "New password", "password2": "New password, again"}
    helps = {"password1": RULES}


class ChangePasswordForm(Worded, account.ChangePasswordForm):  # type: ignore[misc]
    labels = {
        "oldpassword": "Current password",
        "password1": "New password",
        "password2": "New password, again",
    }
    helps = {"oldpassword": "", "password1": RULES}


class SetPasswordForm(Worded, account.SetPasswordForm):  # type: ignore[misc]
    labels = {"password2": "Password, again"}
    helps = {"password1": RULES}


class ReauthenticateForm(Worded, account.ReauthenticateForm):  # type: ignore[misc]
    pass


class AddEmailForm(Worded, account.AddEmailForm):  # type: ignore[misc]
    labels = {"email": "New e-mail address"}


class CountedCode:
    """A second factor's code; tries are counted by place."""

    def clean_code(self) -> str:
        place = Place(context.request, self.user.email)  # type: ignore[attr-defined]  # allauth's
        require_try(TryKind.CODE, place)
        code: str = super().clean_code()  # type: ignore[misc]
        forget_tries(TryKind.CODE, place)
        return code


class AuthenticateForm(CountedCode, Worded, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ReauthenticateByCodeForm(CountedCode, Worded, mfa.ReauthenticateForm):  # type: ignore[misc]
    labels = {"code": "Code from your authenticator app, or a recovery code"}


class ActivateTOTPForm(Worded, totp.ActivateTOTPForm):  # type: ignore[misc]
    labels = {"code": "Six-digit code"}


class EditWebAuthnForm(Worded, webauthn.EditWebAuthnForm):  # type: ignore[misc]
    pass
