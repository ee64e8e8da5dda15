"""django-allauth's forms for passkeys, which take whatever JSON a program may send as one."""

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
"""What the libraries raise over parts that are not what they should be."""


class CredentialField(forms.JSONField):
    """What a browser's passkey answers: an object of texts."""

    widget = forms.HiddenInput

    def to_python(self, value: str | None) -> Any:  # noqa: ANN401 -- an object, or None
        if not value:
            return None
        try:
            credential = read_json(value.encode())
        except (DomainError, UnicodeEncodeError):
            credential = None
        if not isinstance(credential, dict):
            raise ValidationError("This is no passkey's answer.", code="invalid")
        return credential

    def bound_data(self, data: str, initial: object) -> str:  # noqa: ARG002 -- Django's signature
        """As sent: it is not read again to be shown."""
        return InvalidJSONInput(data)


class CredentialForm(forms.Form):
    """Mixed into allauth's forms with a credential."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()


class AddWebAuthnForm(CredentialForm, Worded, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    labels = {"name": "Name", "passwordless": "Let this passkey sign me in alone"}
    helps = {
        "name": "To tell your passkeys apart, such as “office laptop”.",
        "passwordless": "Without a password. The device then asks for its PIN, face or finger.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True

    def clean(self) -> dict[str, Any]:
        with _refuse_misread():
            return super().clean() or {}


class CheckedCredentialForm(CredentialForm):
    """Mixed into allauth's forms that sign in by a credential."""

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
