"""The forms that make and rotate a key, and let a program have one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.access import KeyAccess
from portal.gate.keys.domain.lifecycle import NAME_LENGTH, live_keys
from portal.platform.accounts.models import User
from portal.platform.core.page_forms import PageForm

LIFETIMES = (
    ("7", "In 7 days"),
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
    ("", "Never"),
)
OVERLAPS = (
    ("0", "The old key stops now"),
    ("1", "Both work for an hour"),
    ("24", "Both work for a day"),
    ("168", "Both work for 7 days"),
    ("720", "Both work for 30 days"),
)


class KeyModelsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Check boxes of models, by the names that programs use."""

    def label_from_instance(self, obj: HostedModel) -> str:
        return f"{obj.name} ({obj.slug})"


class NewKeyForm(forms.Form):
    """A name, what the key is for, and how long it works."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        help_text="Where you will use it, for example “laptop” or “evaluation cluster”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.TypedMultipleChoiceField(
        label="What it may be used for",
        choices=KeyScope.choices,
        coerce=KeyScope,
        widget=forms.CheckboxSelectMultiple,
    )
    models = KeyModelsField(
        label="Only for these models",
        queryset=HostedModel.objects.none(),
        to_field_name="slug",
        required=False,
        help_text="If you choose none, the key works for every model that you may use.",
        widget=forms.CheckboxSelectMultiple,
    )
    lifetime = forms.ChoiceField(
        label="Expires",
        choices=LIFETIMES,
        initial="90",
        required=False,
        help_text="A forgotten key then stops working.",
    )

    def __init__(self, *args: Any, user: User, access: KeyAccess, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        offered = list(access.scopes)
        if user.is_reviewer:
            offered.append(KeyScope.DECISIONS)
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.TypedMultipleChoiceField)  # noqa: S101 -- for the type checker
        scopes.choices = [(scope.value, scope.label) for scope in offered]
        scopes.initial = [scope.value for scope in access.scopes]
        field = self.fields["models"]
        assert isinstance(field, KeyModelsField)  # noqa: S101 -- for the type checker
        field.queryset = HostedModel.objects.filter(pk__in=[model.pk for model in access.models])

    def clean_name(self) -> str:
        """Require a new name: it tells keys apart, and a form that is sent twice makes one key."""
        name = " ".join(self.cleaned_data["name"].split())
        namesakes = live_keys(self._user, at=timezone.now()).filter(name=name, successor=None)
        if namesakes.exists():
            raise forms.ValidationError(
                "You already have a key with this name. Choose another name, or rotate that key."
            )
        return name

    def clean_lifetime(self) -> timedelta | None:
        days = self.cleaned_data["lifetime"]
        return timedelta(days=int(days)) if days else None


class RotateForm(forms.Form):
    """How long the old key continues to work beside the new one."""

    overlap = forms.ChoiceField(
        label="The old key",
        choices=OVERLAPS,
        initial="24",
        help_text="Allow enough time to replace the old key wherever it is used.",
        widget=forms.RadioSelect,
    )

    def clean_overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["overlap"]))


class DeviceCodeForm(PageForm):
    """The code that a program shows in its terminal."""

    user_code = forms.CharField(
        label="Code",
        max_length=20,
        help_text="Eight letters, as your terminal shows them.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
    )
