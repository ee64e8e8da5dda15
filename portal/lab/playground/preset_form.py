"""The form that saves the present parameters as a preset."""

from __future__ import annotations

from django import forms

from portal.lab.playground.forms import ParametersForm, SharedFields
from portal.lab.presets.models import NAME_LENGTH


class PresetForm(ParametersForm):
    """The parameters, and the name to save them under."""

    preset_name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        error_messages={
            "required": "Name the preset.",
            "max_length": f"A name has from 1 to {NAME_LENGTH} printable characters.",
            "null_characters_not_allowed": "The name contains a character that is not text.",
        },
    )
    replace_preset = forms.BooleanField(required=False)


PresetForm.base_fields = SharedFields(PresetForm.base_fields)
