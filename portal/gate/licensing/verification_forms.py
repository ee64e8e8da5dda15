"""The forms that verify a paper copy."""

from __future__ import annotations

from django import forms

from portal.platform.core.page_forms import PageForm


class AskForm(PageForm):
    """A code, or the SHA-256 of a file."""

    asked = forms.CharField(
        label="Code of the signature, or SHA-256 of a file",
        max_length=200,
        help_text="The code is at the foot of every page of a signed agreement.",
        error_messages={"required": "Type a code, or paste a SHA-256."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class NameForm(PageForm):
    """A name as it is printed on the paper."""

    name = forms.CharField(
        label="Name of the signer, or of the organisation",
        max_length=200,
        help_text="As it is printed. You only learn whether it matches.",
        error_messages={"required": "Type the name that is printed on the paper."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
