"""The form that signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from portal.gate.licensing.domain.signing import MIN_NAME_LENGTH
from portal.gate.licensing.enums import Capacity
from portal.gate.licensing.models import LicenceVersion
from portal.platform.accounts.models import User


class SignForm(forms.Form):
    """Who signs, for whom, and which exact version they saw."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    legal_name = forms.CharField(
        label="Your full legal name",
        min_length=MIN_NAME_LENGTH,
        max_length=200,
        error_messages={
            "required": "Type your full legal name.",
            "min_length": "Type your full legal name.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "name", "spellcheck": "false"}),
    )
    capacity = forms.ChoiceField(
        label="You sign",
        choices=Capacity.choices,
        initial=Capacity.SELF,
        widget=forms.RadioSelect,
        error_messages={"required": "Say for whom you sign."},
    )
    entity_name = forms.CharField(
        label="Legal name of the organisation",
        max_length=200,
        error_messages={"required": "Name the organisation that you sign for."},
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    has_authority = forms.BooleanField(
        label="I state that I am authorised to bind this organisation to the licence",
        error_messages={
            "required": "Confirm that you are authorised to bind the organisation, or sign for "
            "yourself."
        },
    )
    has_read = forms.BooleanField(
        label="I have read the licence above, and I agree to it",
        error_messages={"required": "Confirm that you have read the text and agree to it."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if user.name:
            self.fields["legal_name"].help_text = f"Your account says “{user.name}”."
        if self.is_bound and self.data.get("capacity") != Capacity.ENTITY:
            self.fields["entity_name"].required = False
            self.fields["has_authority"].required = False

    def answers(self) -> Mapping[str, Any]:
        """The keyword arguments of `sign_licence` that the person typed."""
        data = self.cleaned_data
        return {
            "legal_name": data["legal_name"],
            "capacity": Capacity(data["capacity"]),
            "entity_name": data["entity_name"],
            "has_authority": data["has_authority"],
        }


def move_to_version(data: QueryDict, version: LicenceVersion) -> QueryDict:
    """The typed values for another version, which the person has not read yet."""
    moved = data.copy()
    moved["version"] = str(version.pk)
    moved.pop("has_read", None)
    return moved
