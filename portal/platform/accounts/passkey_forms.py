"""django-allauth's forms for passkeys, made safe against any JSON that a program sends as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from portal.platform.accounts.allauth_forms import Worded
from portal.platform.core.errors import DomainError
from portal.platform.core.json_text import read_json

MISREADINGS: Final = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
)
"""The errors that the libraries raise for malformed credentials."""


class CredentialField(forms.JSONField):
    """A browser's credential for a passkey: an object of strings."""

    widget = forms.HiddenInput

    def to_python(self, value: str | None) -> Any:  # noqa: ANN401 -- an object, or None
        if not value:
            return None
        try:
            credential = read_json(value.encode())
        except (DomainError, UnicodeEncodeError):
            credential = None
        if not isinstance(credential, dict):
            raise ValidationError("The browser did not send a passkey. Try again.", code="invalid")
        return credential

    def bound_data(self, data: str, initial: object) -> str:  # noqa: ARG002 -- Django's signature
        """Return it as it was sent, without parsing it again for display."""
        return InvalidJSONInput(data)


class CredentialForm(forms.Form):
    """A mixin for allauth's forms with a credential."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()


class AddWebAuthnForm(CredentialForm, Worded, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    labels = {"name": "Name", "passwordless": "Let me sign in with this passkey alone"}
    helps = {
        "name": "To tell your passkeys apart, such as “office laptop”.",
        "passwordless": "Without a password. Your device then asks for a PIN, face or fingerprint.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True

    def clean(self) -> dict[str, Any]:
        with _refuse_misread():
            return super().clean() or {}


class CheckedCredentialForm(CredentialForm):
    """A mixin for allauth's forms that sign in with a credential."""

    def clean_credential(self) -> Any:  # noqa: ANN401 -- allauth's authenticator
        with _refuse_misread():
            return super().clean_credential()  # type: ignore[misc]


class AuthenticateWebAuthnForm(
    CheckedCredentialForm,
    webauthn.AuthenticateWebAuthnForm,  # type: ignore[misc]
):
    pass


class LoginWebAuthnForm(CheckedCredentialForm, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    pass


class ReauthenticateWebAuthnForm(
    CheckedCredentialForm,
    webauthn.ReauthenticateWebAuthnForm,  # type: ignore[misc]
):
    pass


@contextmanager
def _refuse_misread() -> Iterator[None]:
    try:
        yield
    except MISREADINGS as error:
        raise get_adapter().validation_error("incorrect_code") from error
